package remote

import (
	"sync"
	"time"
)

// At most warnBurst lines about the same thing are logged in each warnWindow.
const (
	warnBurst  = 4
	warnWindow = 10 * time.Second
)

// warnings limits what others can make this node log. Each code is counted by
// itself, so that a flood of one does not hide the other. It has no timer: what
// was left out is told with the next line.
type warnings struct {
	mu    sync.Mutex
	codes map[string]*warned // by one of the Code constants
}

type warned struct {
	begun time.Time
	lines int
	left  uint64
}

func (w *warnings) admit(code string, now time.Time) (ok bool, left uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.codes[code]
	if c == nil {
		if w.codes == nil {
			w.codes = make(map[string]*warned)
		}
		if len(w.codes) >= maxCodes {
			return false, 0
		}
		c = new(warned)
		w.codes[code] = c
	}
	if now.Sub(c.begun) >= warnWindow {
		c.begun, c.lines = now, 0
	}
	if c.lines == warnBurst {
		c.left++
		return false, 0
	}
	c.lines++
	left, c.left = c.left, 0
	return true, left
}

// maxCodes bounds the table: a refusal's code is the other side's to choose.
const maxCodes = 64

// warn logs what an operator should know of others, at a bounded rate.
func (r *Remote) warn(code, msg string, args ...any) {
	ok, left := r.warnings.admit(code, time.Now())
	if !ok {
		return
	}
	args = append(args, "code", code)
	if left > 0 {
		args = append(args, "left_out", left)
	}
	r.log.Warn(msg, args...)
}
