ALTER TABLE "Conversation" ADD COLUMN "title" TEXT;
