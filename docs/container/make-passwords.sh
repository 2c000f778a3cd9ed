#!/bin/sh
# Make a password for the service and one for a caregiver, and the broker's file of both.
# Needs mosquitto_passwd: apt install mosquitto, or mosquitto-clients with it.
set -eu
umask 077
cd "$(dirname "$0")"
rm -f passwords
: > passwords
for name in service caregiver; do
  [ -s "$name.password" ] || python3 -c 'import secrets; print(secrets.token_urlsafe(24))' > "$name.password"
  mosquitto_passwd -b passwords "$name" "$(cat "$name.password")" 2>/dev/null
done
chmod 0644 passwords # hashes, which the broker reads as a user of its own
echo "Written: service.password, caregiver.password and the broker's passwords."
