-- Expands only, and takes longer than any run of the migration's function: that one does not wait for it.
SELECT pg_sleep(6);
ALTER TABLE "Session" ADD COLUMN "title" TEXT;
