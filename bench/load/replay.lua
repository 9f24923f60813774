-- Sends each request of a file once (see wrk.py): wrk -t1 -s replay.lua URL --
--   FILE SECONDS CONNECTIONS ENDING THINK
-- ENDING says what happens when the time is over or the file ends. `drain` waits for all responses,
-- so that the stored callbacks can be counted exactly. `cut` stops at once. `cycle` starts the file
-- again, and stops at once when the time is over. THINK is the mean pause before a request, in
-- milliseconds.
local ffi = require("ffi")
ffi.cdef([[
    typedef struct { long seconds; long nanoseconds; } moment;
    int clock_gettime(int, moment *);
    int getpid(void);
    int kill(int, int);
]])

local MONOTONIC = ffi.os == "OSX" and 6 or 1
local SIGINT = 2
local moment = ffi.new("moment")

local function now()
    ffi.C.clock_gettime(MONOTONIC, moment)
    return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

local file, seconds, connections, ending, think, first
local idle = 0

-- A pause of random length, as between independent requests.
local function pause()
    return math.floor(-think * math.log(1 - math.random()) + 0.5)
end

function init(args)
    file = assert(io.open(args[1], "rb"))
    seconds, connections = tonumber(args[2]), tonumber(args[3])
    ending, think = args[4], tonumber(args[5])
    if think > 0 then
        delay = pause
    end
    sent, started, ended = 0, 0, 0 -- global, because `done` reads them
end

-- Each request is preceded by its length in eight digits.
local function following()
    local length = file:read(8)
    if not length and ending == "cycle" then
        file:seek("set")
        length = file:read(8)
    end
    return length and file:read(tonumber(length))
end

local function stop()
    ended = now()
    wrk.thread:stop()
    ffi.C.kill(ffi.C.getpid(), SIGINT) -- otherwise wrk sleeps until its own time is over
end

function request()
    if not first then -- wrk only checks the format of this one; it is sent later
        first = following()
        return first
    end
    if started == 0 then
        started = now()
    end
    local text
    if now() - started < seconds then
        text = sent == 0 and first or following()
    end
    if text then
        sent = sent + 1
        return text
    end
    -- This connection has its last response. An empty request makes it idle.
    idle = idle + 1
    if ended == 0 and (ending ~= "drain" or idle == connections) then
        stop()
    end
    return ""
end

function done(summary, latency)
    local thread = threads[1]
    local errors = summary.errors
    print(string.format(
        '{"sent": %d, "seconds": %.6f, "answered": %d, "refused": %d, "broken": %d, '
            .. '"p50": %.1f, "p99": %.1f}',
        thread:get("sent"),
        thread:get("ended") - thread:get("started"),
        summary.requests,
        errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50),
        latency:percentile(99)
    ))
end
