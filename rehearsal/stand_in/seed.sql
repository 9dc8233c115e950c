-- A typical state of the application: five pools of different load, the last one at 90 % of its soft
-- limit of 40 threads, which is unhealthy. In each pool two users left without ending their session (stale:
-- open, inactive for hours), the rest have ended theirs, as have all of last week. Times are relative to now.

INSERT INTO "User" ("id", "walletAddress", "username", "totalScore", "createdAt", "lastActiveAt")
SELECT format('user-%s', n), format('wallet-%s', md5(n::text)), format('player%s', n), (n * 37) % 500,
       (now() AT TIME ZONE 'UTC') - interval '30 days', (now() AT TIME ZONE 'UTC') - n * interval '1 minute'
FROM generate_series(1, 100) AS n;

-- 20 users a pool; this week's sessions: in pool-N the first 2 + 4 × N users are active now,
-- two are stale, the others have ended.
INSERT INTO "Session" ("id", "userId", "coralSessionId", "currentScore", "startTime", "endTime", "weekId",
                       "messageCount", "lastActivityAt", "walletAddress")
SELECT format('session-%s', n), format('user-%s', n), format('pool-%s', pool), (n * 13) % 100,
       utc - interval '8 hours',
       CASE WHEN place <= active + 2 THEN NULL ELSE utc - interval '2 hours' END,
       to_char(utc, 'IYYY-"W"IW'), 5 + n % 20,
       CASE WHEN place <= active THEN utc - place * interval '2 minutes'
            ELSE utc - interval '5 hours' END,
       format('wallet-%s', md5(n::text))
FROM (SELECT n, (n - 1) / 20 AS pool, (n - 1) % 20 + 1 AS place, 2 + 4 * ((n - 1) / 20) AS active,
             (now() AT TIME ZONE 'UTC')::timestamp(3) AS utc
      FROM generate_series(1, 100) AS n) AS users;

-- Last week's, all ended.
INSERT INTO "Session" ("id", "userId", "coralSessionId", "currentScore", "startTime", "endTime", "weekId",
                       "messageCount", "lastActivityAt", "walletAddress")
SELECT "id" || '-last-week', "userId", "coralSessionId", 50, "startTime" - interval '7 days',
       "startTime" - interval '6 days', to_char("startTime" - interval '7 days', 'IYYY-"W"IW'), 40,
       "startTime" - interval '6 days', "walletAddress"
FROM "Session";

-- Two threads a session, of different agents.
INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
SELECT format('thread-%s-%s', "id", agent), "id", md5("id" || agent)::uuid::text, agent,
       "startTime" + interval '1 minute'
FROM "Session", unnest(ARRAY['agent-cz', 'agent-trump-donald']) AS agent;

-- A message a thread, sent a minute after it began.
INSERT INTO "Message" ("id", "threadId", "senderId", "content", "timestamp", "createdAt")
SELECT format('message-%s', "id"), "id", 'user', 'Good morning', "createdAt" + interval '1 minute',
       "createdAt" + interval '1 minute'
FROM "Thread";
