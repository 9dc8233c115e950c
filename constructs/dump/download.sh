# Downloads a dump and its row counts.
set -eu
for file in database.dump rows.csv; do
  aws s3 cp "s3://$BUCKET/${KEY:?}/$file" "$file" --no-progress
done
