-- The application's tables, as far as the operations read them. Its own migrations (Prisma) make them in
-- production: names are CamelCase and quoted, times are UTC without a time zone, to the millisecond.

CREATE TABLE "User" (
    "id"            TEXT PRIMARY KEY,
    "walletAddress" TEXT NOT NULL,
    "username"      TEXT NOT NULL,
    "totalScore"    DOUBLE PRECISION NOT NULL DEFAULT 0,
    "createdAt"     TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastActiveAt"  TIMESTAMP(3)
);
CREATE UNIQUE INDEX "User_walletAddress_key" ON "User" ("walletAddress");

CREATE TABLE "Session" (
    "id"             TEXT PRIMARY KEY,
    "userId"         TEXT NOT NULL REFERENCES "User" ("id") ON UPDATE CASCADE ON DELETE RESTRICT,
    "coralSessionId" TEXT NOT NULL,
    "currentScore"   DOUBLE PRECISION NOT NULL DEFAULT 0,
    "startTime"      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "endTime"        TIMESTAMP(3),
    "weekId"         TEXT NOT NULL,
    "messageCount"   INTEGER NOT NULL DEFAULT 0,
    "lastActivityAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "walletAddress"  TEXT
);
CREATE UNIQUE INDEX "Session_userId_weekId_key" ON "Session" ("userId", "weekId");
CREATE INDEX "Session_coralSessionId_idx" ON "Session" ("coralSessionId");
CREATE INDEX "Session_startTime_idx" ON "Session" ("startTime");
CREATE INDEX "Session_lastActivityAt_idx" ON "Session" ("lastActivityAt");
CREATE INDEX "Session_walletAddress_idx" ON "Session" ("walletAddress");

CREATE TABLE "Thread" (
    "id"            TEXT PRIMARY KEY,
    "sessionId"     TEXT NOT NULL REFERENCES "Session" ("id") ON UPDATE CASCADE ON DELETE RESTRICT,
    "coralThreadId" TEXT NOT NULL,
    "agentId"       TEXT NOT NULL,
    "createdAt"     TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX "Thread_sessionId_agentId_idx" ON "Thread" ("sessionId", "agentId");
CREATE INDEX "Thread_coralThreadId_idx" ON "Thread" ("coralThreadId");

CREATE TABLE "Message" (
    "id"             TEXT PRIMARY KEY,
    "threadId"       TEXT NOT NULL REFERENCES "Thread" ("id") ON UPDATE CASCADE ON DELETE RESTRICT,
    "senderId"       TEXT NOT NULL,
    "content"        TEXT NOT NULL,
    "timestamp"      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "isIntermediary" BOOLEAN NOT NULL DEFAULT false,
    "createdAt"      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX "Message_threadId_timestamp_idx" ON "Message" ("threadId", "timestamp");
CREATE INDEX "Message_threadId_createdAt_idx" ON "Message" ("threadId", "createdAt");
