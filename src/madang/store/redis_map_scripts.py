"""What Redis does with maps in one step. Lua, run by name of its hash.

Keys of a channel carry its name in braces, so that a cluster keeps them together: `{prefix}.ms.{channel}` the
entries by key, `.mk.` the keys in the order of their bytes, `.mx.` keys by the time they are over, `.ml.` the
changes (a list without holes, as history's), `.mm.` the meta hash (`e` epoch, `s` top offset), `.mi.` results
by idempotency key. `{prefix}.md` has the channels with keys that will be over, by the time of the first one.

An entry is `offset:version:a:b:c:` and then a bytes of the version's epoch, b bytes of the publication that
removes it, c which is 1 where subscribers were told other data, and the publication.
"""

_WORDS = """
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function opened(value)
  local offset, version, a, b, split, rest = string.match(value, '^(%d+):(%d+):(%d+):(%d+):(%d):(.*)$')
  a, b = tonumber(a), tonumber(b)
  return tonumber(offset), tonumber(version), string.sub(rest, 1, a), string.sub(rest, a + 1, a + b),
    string.sub(rest, a + b + 1), split == '1'
end
local function position(new_epoch)
  local found = redis.call('HMGET', KEYS[5], 'e', 's')
  if not found[1] then
    redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
    redis.call('HSET', KEYS[5], 'e', new_epoch)
    return new_epoch, 0
  end
  return found[1], tonumber(found[2] or '0')
end
local function stay(meta_ms)
  for _, name in ipairs({KEYS[1], KEYS[2], KEYS[3], KEYS[5]}) do
    if meta_ms > 0 then
      redis.call('PEXPIRE', name, meta_ms)
    else
      redis.call('PERSIST', name)
    end
  end
end
local function last(channel, key, ttl_ms)
  if ttl_ms == 0 then
    redis.call('ZREM', KEYS[3], key)
    return
  end
  local over = now_ms() + ttl_ms
  redis.call('ZADD', KEYS[3], over, key)
  local known = redis.call('ZSCORE', KEYS[6], channel)
  if not known or tonumber(known) > over then
    redis.call('ZADD', KEYS[6], over, channel)
  end
end
local function change(epoch, payload, prev, bus, size, stream_ms)
  local offset = redis.call('HINCRBY', KEYS[5], 's', 1)
  if size > 0 then
    redis.call('RPUSH', KEYS[4], payload)
    redis.call('LTRIM', KEYS[4], -size, -1)
    redis.call('PEXPIRE', KEYS[4], stream_ms)
  else
    redis.call('DEL', KEYS[4])
  end
  if prev then
    redis.call('PUBLISH', bus, 'd' .. offset .. ':' .. epoch .. ':' .. #prev .. ':' .. prev .. payload)
  else
    redis.call('PUBLISH', bus, 'p' .. offset .. ':' .. epoch .. ':' .. payload)
  end
  return offset
end
local function answered(result_ms)
  local known = result_ms ~= '0' and redis.call('GET', KEYS[7])
  if not known then
    return nil
  end
  local offset, epoch = string.match(known, '^(%d+):(.*)$')
  return {offset, epoch, 'idempotency'}
end
"""

PUBLISH = (
    _WORDS
    + """
local channel, bus, key, payload, told, removal = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local mode, refresh, ttl_ms, size = ARGV[7], ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])
local stream_ms = ARGV[11]
local meta_ms, new_epoch, version, version_epoch = tonumber(ARGV[12]), ARGV[13], tonumber(ARGV[14]), ARGV[15]
local result_ms, delta, most = ARGV[16], ARGV[17], tonumber(ARGV[18])
local already = answered(result_ms)
if already then
  return already
end
local epoch, top = position(new_epoch)
local there = redis.call('HGET', KEYS[1], key)
local prev
if there then
  if mode == 'if_new' then
    if refresh == '1' then
      last(channel, key, ttl_ms)
      stay(meta_ms)
    end
    return {tostring(top), epoch, 'key_exists'}
  end
  local _, known, known_epoch, _, before, split = opened(there)
  if version > 0 and known_epoch == version_epoch and version <= known then
    return {tostring(top), epoch, 'version'}
  end
  if delta == '1' and told == '' and not split then
    prev = before
  end
elseif mode == 'if_exists' then
  return {tostring(top), epoch, 'key_not_found'}
elseif redis.call('HLEN', KEYS[1]) >= most then
  return {tostring(top), epoch, 'full'}
end
local offset = change(epoch, told == '' and payload or told, prev, bus, size, stream_ms)
local split = told == '' and '0' or '1'
local head = string.format('%d:%d:%d:%d:', offset, version, #version_epoch, #removal)
redis.call('HSET', KEYS[1], key, head .. split .. ':' .. version_epoch .. removal .. payload)
redis.call('ZADD', KEYS[2], 0, key)
last(channel, key, ttl_ms)
stay(meta_ms)
if result_ms ~= '0' then
  redis.call('SET', KEYS[7], offset .. ':' .. epoch, 'PX', result_ms)
end
return {tostring(offset), epoch, ''}
"""
)

_TAKE = """
local function take(epoch, key, there, removal, bus, size, stream_ms)
  local _, _, _, own = opened(there)
  redis.call('HDEL', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
  redis.call('ZREM', KEYS[3], key)
  return change(epoch, removal == '' and own or removal, nil, bus, size, stream_ms)
end
"""

REMOVE = (
    _WORDS
    + _TAKE
    + """
local bus, key, removal, size, stream_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local meta_ms, new_epoch, result_ms = tonumber(ARGV[6]), ARGV[7], ARGV[8]
local already = answered(result_ms)
if already then
  return already
end
local epoch, top = position(new_epoch)
local there = redis.call('HGET', KEYS[1], key)
if not there then
  return {tostring(top), epoch, 'key_not_found'}
end
local offset = take(epoch, key, there, removal, bus, size, stream_ms)
stay(meta_ms)
if result_ms ~= '0' then
  redis.call('SET', KEYS[7], offset .. ':' .. epoch, 'PX', result_ms)
end
return {tostring(offset), epoch, ''}
"""
)

STATE = (
    _WORDS
    + """
local cursor, limit, new_epoch, meta_ms, one = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local most = tonumber(ARGV[6])
local epoch, top = position(new_epoch)
if meta_ms > 0 and redis.call('PTTL', KEYS[5]) < meta_ms then
  redis.call('PEXPIRE', KEYS[5], meta_ms)
end
local keys = {one}
if one == '' then
  local from = cursor == '' and '-' or '(' .. cursor
  keys = redis.call('ZRANGEBYLEX', KEYS[2], from, '+', 'LIMIT', 0, limit + 1)
end
local next_one = ''
if #keys > limit then
  keys[#keys] = nil
  next_one = keys[#keys]
end
local found, size = {}, 0
for at = 1, #keys, 50 do
  local part = {unpack(keys, at, math.min(at + 49, #keys))}
  for index, value in ipairs(redis.call('HMGET', KEYS[1], unpack(part))) do
    if value then
      local offset, _, _, _, payload = opened(value)
      table.insert(found, tostring(offset))
      table.insert(found, payload)
      size = size + #payload
      if size >= most and at + index - 1 < #keys then
        return {tostring(top), epoch, part[index], found}
      end
    end
  end
end
return {tostring(top), epoch, next_one, found}
"""
)

EXPIRE = (
    _WORDS
    + _TAKE
    + """
local channel, bus, size, stream_ms, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local epoch = redis.call('HGET', KEYS[5], 'e')
if epoch then
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], 0, now_ms(), 'LIMIT', 0, most)) do
    local there = redis.call('HGET', KEYS[1], key)
    if there then
      take(epoch, key, there, '', bus, size, stream_ms)
    else
      redis.call('ZREM', KEYS[3], key)
    end
  end
end
local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
if first[2] then
  redis.call('ZADD', KEYS[6], first[2], channel)
else
  redis.call('ZREM', KEYS[6], channel)
end
return 1
"""
)

DUE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], 0, now, 'LIMIT', 0, tonumber(ARGV[1]))
for _, channel in ipairs(found) do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), channel)
end
return found
"""

CLEAR = """
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('PUBLISH', ARGV[2], 'c')
return 1
"""
