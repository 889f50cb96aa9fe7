package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// File is a Register in a file, for tests and for nodes of one host. Processes
// exclude each other by a lock on Path with ".lock" behind it, which the system
// takes from a process that dies, so it is held for the moment of an exchange only:
// a process that is stopped while it holds the lease keeps it for its TTL, not for
// ever. Not for network file systems, whose locks cannot be relied on; systems
// without such locks get errors.ErrUnsupported.
type File struct {
	Path string // the folder must be there
}

// maxFile bounds what is read of a file that somebody else may have written.
const maxFile = 16 << 10

// lockEvery is how often a lock that somebody holds is tried for.
const lockEvery = 2 * time.Millisecond

// Load implements Register.
func (f *File) Load(ctx context.Context) (r Record, err error) {
	err = f.locked(ctx, func() error {
		r, err = f.read()
		return err
	})
	return r, err
}

// Swap implements Register.
func (f *File) Swap(ctx context.Context, old, next Record) error {
	return f.locked(ctx, func() error {
		now, err := f.read()
		if err != nil {
			return err
		}
		if now.Sequence != old.Sequence || now.Owner != old.Owner {
			return ErrConflict
		}
		return f.write(next)
	})
}

// locked runs do while no other process does so for this file.
func (f *File) locked(ctx context.Context, do func() error) error {
	lock, err := os.OpenFile(f.Path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close() // frees the lock
	for {
		switch held, err := tryLock(lock); {
		case err != nil:
			return err
		case !held:
			return do()
		}
		if err := sleep(ctx, lockEvery); err != nil {
			return fmt.Errorf("lock %s: %w", lock.Name(), err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *File) read() (r Record, err error) {
	file, err := os.Open(f.Path)
	if errors.Is(err, os.ErrNotExist) {
		return Record{}, nil
	}
	if err != nil {
		return Record{}, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return Record{}, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %s: %w", ErrBadRecord, f.Path, err)
	}
	return r, nil
}

// write replaces the file as a whole, so that a process that dies while it writes
// leaves the former record behind.
func (f *File) write(r Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	draft := f.Path + ".new"
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, f.Path)
}
