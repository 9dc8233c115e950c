# Uploads a dump, then the row counts; neither replaces an object that is there.
set -eu
for file in database.dump rows.csv; do
  aws s3 cp "$file" "s3://$BUCKET/${KEY:?}/$file" --no-overwrite --no-progress
done
