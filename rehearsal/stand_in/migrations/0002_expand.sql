-- Expands only: the version before still runs on it.
ALTER TABLE "Session" ADD COLUMN "title" TEXT;
