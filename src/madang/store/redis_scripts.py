"""What Redis does in one step: publish with history, presence with its counts. Lua, run by name of its hash.

Keys of a channel carry its name in braces, so that a cluster keeps them together:
`{prefix}.h.{channel}` the publications (a list without holes: the last one has the offset `s` of the meta
hash), `.m.` the meta hash (`e` epoch, `s` top offset, `v` and `ve` the last version), `.i.` results by
idempotency key, `.pe.` presence by time of expiry, `.pi.` presence infos, `.pu.` connections by user,
`.on.` nodes with subscribers by time of expiry. `{prefix}.oc` has the channels that are occupied, or were
and nobody was told yet, by the time of expiry of their last node.
"""

PUBLISH = """
local list, meta, result = KEYS[1], KEYS[2], KEYS[3]
local payload, bus, size, ttl_ms, meta_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local new_epoch, version, version_epoch, result_ms = ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]
if result_ms ~= '0' then
  local known = redis.call('GET', result)
  if known then
    local offset, epoch = string.match(known, '^(%d+):(.*)$')
    return {offset, epoch, 1}
  end
end
local offset, epoch = 0, ''
if size > 0 then
  epoch = redis.call('HGET', meta, 'e')
  if not epoch then
    epoch = new_epoch
    redis.call('HSET', meta, 'e', epoch)
    redis.call('DEL', list)
  end
  if version > 0 then
    local last = redis.call('HMGET', meta, 'v', 've')
    if last[1] and last[2] == version_epoch and version <= tonumber(last[1]) then
      return {redis.call('HGET', meta, 's') or '0', epoch, 1}
    end
    redis.call('HSET', meta, 'v', version, 've', version_epoch)
  end
  offset = redis.call('HINCRBY', meta, 's', 1)
  redis.call('PEXPIRE', meta, meta_ms)
  redis.call('RPUSH', list, payload)
  redis.call('LTRIM', list, -size, -1)
  redis.call('PEXPIRE', list, ttl_ms)
end
redis.call('PUBLISH', bus, 'p' .. offset .. ':' .. epoch .. ':' .. payload)
if result_ms ~= '0' then
  redis.call('SET', result, offset .. ':' .. epoch, 'PX', result_ms)
end
return {tostring(offset), epoch, 0}
"""

HISTORY = """
local list, meta = KEYS[1], KEYS[2]
local limit, since, reverse, new_epoch, meta_ms =
  tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4], tonumber(ARGV[5])
local epoch = redis.call('HGET', meta, 'e')
if not epoch then
  epoch = new_epoch
  redis.call('HSET', meta, 'e', epoch)
  redis.call('DEL', list)
end
if meta_ms > 0 and redis.call('PTTL', meta) < meta_ms then
  redis.call('PEXPIRE', meta, meta_ms)
end
local top = tonumber(redis.call('HGET', meta, 's') or '0')
local count = redis.call('LLEN', list)
local first = top - count + 1
local from, to = 0, count - 1
if since >= 0 and not reverse then
  from = math.max(since + 1 - first, 0)
elseif since >= 0 then
  to = math.min(since - 1 - first, count - 1)
end
if limit >= 0 and not reverse then
  to = math.min(to, from + limit - 1)
elseif limit >= 0 then
  from = math.max(from, to - limit + 1)
end
local items = {}
if limit ~= 0 and from <= to then
  items = redis.call('LRANGE', list, from, to)
end
return {tostring(top), epoch, tostring(first + from), items}
"""

REDACT = """
local list, meta = KEYS[1], KEYS[2]
local offset, payload, expected = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local top = tonumber(redis.call('HGET', meta, 's') or '0')
local index = offset - (top - redis.call('LLEN', list) + 1)
if offset < 1 or offset > top or index < 0 or redis.call('LINDEX', list, index) ~= expected then
  return 0
end
redis.call('LSET', list, index, payload)
redis.call('PUBLISH', ARGV[4], 'r' .. offset .. ':' .. ARGV[5])
return 1
"""

_FORGET = """
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function leave(client)
  local known = redis.call('HGET', KEYS[2], client)
  if not known then
    return 0
  end
  redis.call('HDEL', KEYS[2], client)
  redis.call('ZREM', KEYS[1], client)
  local length, rest = string.match(known, '^(%d+):(.*)$')
  local user = string.sub(rest, 1, tonumber(length))
  if redis.call('HINCRBY', KEYS[3], user, -1) < 1 then
    redis.call('HDEL', KEYS[3], user)
  end
  return 1
end
local function forget_silent()
  for _, client in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, now_ms(), 'LIMIT', 0, 1000)) do
    leave(client)
  end
end
"""

ADD_PRESENCE = (
    _FORGET
    + """
local client, user, info, ttl_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('HEXISTS', KEYS[2], client) == 0 then
  redis.call('HINCRBY', KEYS[3], user, 1)
end
redis.call('HSET', KEYS[2], client, string.len(user) .. ':' .. user .. info)
redis.call('ZADD', KEYS[1], now_ms() + ttl_ms, client)
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ttl_ms)
end
return 1
"""
)

REMOVE_PRESENCE = _FORGET + "return leave(ARGV[1])"

PRESENCE = (
    _FORGET
    + """
forget_silent()
return redis.call('HGETALL', KEYS[2])
"""
)

PRESENCE_STATS = (
    _FORGET
    + """
forget_silent()
return {redis.call('HLEN', KEYS[2]), redis.call('HLEN', KEYS[3])}
"""
)

_SILENT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now)
"""

OCCUPY = (
    _SILENT
    + """
local others, until_ms = redis.call('ZCARD', KEYS[1]), now + tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], until_ms, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], until_ms, ARGV[3])
return others == 0 and 1 or 0
"""
)

VACATE = (
    _SILENT
    + """
local was = redis.call('ZREM', KEYS[1], ARGV[1])
return was == 1 and redis.call('ZCARD', KEYS[1]) == 0 and 1 or 0
"""
)

TOLD_VACATED = (
    _SILENT
    + """
if redis.call('ZCARD', KEYS[1]) == 0 then
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return 1
"""
)

ABANDONED = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], 0, now, 'LIMIT', 0, tonumber(ARGV[2]))
for _, channel in ipairs(found) do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), channel)
end
return found
"""
