package mailbox

import (
	"bytes"
	"runtime"
	"strconv"
)

// goroutineID tells goroutines apart, for one purpose: an actor that waits for
// room in its own mailbox must be told rather than wait for ever. The runtime
// shows the number in stack traces only. It takes about a microsecond.
func goroutineID() uint64 {
	var buf [64]byte
	text := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	id, _ := strconv.ParseUint(string(text[:max(0, bytes.IndexByte(text, ' '))]), 10, 64)
	return id
}
