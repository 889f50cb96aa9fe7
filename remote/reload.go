package remote

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// reloadEvery bounds how often files are looked at again.
const reloadEvery = time.Second

// maxFile is the limit of a file with certificates or secrets, in bytes.
const maxFile = 1 << 20

// reloader keeps what some files say, and follows them. It has no goroutine and
// no watch of its own: who needs the value asks for it, and if the last look was
// a while ago the files are read again. They are small and handshakes are rare,
// so reading them whole is cheaper than being clever about time stamps, which
// some file systems and mounted volumes get wrong.
type reloader[T any] struct {
	what  string
	paths []string
	log   *slog.Logger
	parse func(content [][]byte) (T, error)

	mu      sync.Mutex
	value   T
	content [][]byte // that value was made of, or that was found unusable since
	looked  time.Time
	failing string // the error that was logged last; "" = the files are good
}

// newReloader reads the files for the first time, when they must be good.
func newReloader[T any](what string, paths []string, log *slog.Logger, parse func([][]byte) (T, error)) (*reloader[T], error) {
	r := &reloader[T]{what: what, paths: paths, log: log, parse: parse, looked: time.Now()}
	content, err := r.read()
	if err != nil {
		return nil, err
	}
	if r.value, err = parse(content); err != nil {
		return nil, err
	}
	r.content = content
	return r, nil
}

// get returns the newest good value. Any goroutine.
func (r *reloader[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.looked) >= reloadEvery {
		r.looked = now
		r.look()
	}
	return r.value
}

// look reads the files again. r.mu is held.
func (r *reloader[T]) look() {
	content, err := r.read()
	if err != nil {
		r.content = nil // so that the next look takes what it finds
		r.keep(err)
		return
	}
	if slices.EqualFunc(content, r.content, bytes.Equal) {
		return
	}
	r.content = content
	value, err := r.parse(content)
	if err != nil {
		r.keep(err)
		return
	}
	r.value, r.failing = value, ""
	r.log.Info("files reloaded", "what", r.what)
}

// keep stays with the former value, and says so once for each reason.
func (r *reloader[T]) keep(err error) {
	if r.failing != err.Error() {
		r.failing = err.Error()
		r.log.Error("files cannot be used, the former stay in force", "what", r.what, "reason", err)
	}
}

func (r *reloader[T]) read() ([][]byte, error) {
	var content [][]byte
	for _, path := range r.paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxFile {
			return nil, fmt.Errorf("%s: %d bytes, limit %d", path, info.Size(), maxFile)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		content = append(content, b)
	}
	return content, nil
}
