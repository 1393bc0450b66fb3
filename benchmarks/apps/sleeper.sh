#!/bin/sh
# Tells its pid as the first thing it does, then is `sleep infinity`.
echo $$ >"$ANNOUNCE"
exec sleep infinity
