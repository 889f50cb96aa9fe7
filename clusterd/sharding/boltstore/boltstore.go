package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/pando-go/pando/clusterd/sharding/store"
)

// fileName is the one file in the directory.
const fileName = "shards.db"

// bucket is the one bucket of the file.
var bucket = []byte("shards")

// Store is a directory with one file. It implements store.Store.
type Store struct {
	db    *bolt.DB
	limit int
}

var _ store.Store = (*Store)(nil)

// Option changes how a directory is opened.
type Option func(*Store)

// MaxSize bounds the file: a batch that would let it grow beyond n bytes fails
// with store.ErrFull. Default 0: as much as the disk has.
func MaxSize(n int) Option { return func(s *Store) { s.limit = n } }

// lockWait is how long Open waits for a process that is just ending.
const lockWait = time.Second

// Open opens a directory, made if it is not there. The error matches
// store.ErrLocked if another process has it open.
func Open(dir string, opts ...Option) (*Store, error) {
	s := &Store{}
	for _, o := range opts {
		o(s)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("boltstore: %w", err)
	}
	db, err := bolt.Open(filepath.Join(dir, fileName), 0o600, &bolt.Options{
		Timeout: lockWait,
		// The list of free pages follows from the tree; not writing it saves a part
		// of each commit, and costs a walk over the tree at the start.
		NoFreelistSync: true,
		FreelistType:   bolt.FreelistMapType,
		MaxSize:        s.limit,
		Logger:         quiet{},
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("boltstore: %s: %w", dir, store.ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("boltstore: %s: %w", dir, err)
	}
	s.db = db
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("boltstore: %s: %w", dir, errors.Join(err, db.Close()))
	}
	return s, nil
}

// Apply implements store.Store. Every batch is synced: bbolt knows no other way that
// keeps its file whole. Callers that have several batches put them into one.
func (s *Store) Apply(ops []store.Op, _ bool) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		for _, op := range ops {
			if err := apply(b, op); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG) || errors.Is(err, syscall.EDQUOT) ||
		errors.Is(err, berrors.ErrMaxSizeReached) {
		return fmt.Errorf("boltstore: %w: %w", store.ErrFull, err)
	}
	return fmt.Errorf("boltstore: %w", err)
}

func apply(b *bolt.Bucket, op store.Op) error {
	if op.To == nil {
		return b.Put(op.Key, op.Value)
	}
	c := b.Cursor()
	for k, _ := c.Seek(op.Key); k != nil && (len(op.To) == 0 || bytes.Compare(k, op.To) < 0); k, _ = c.Seek(op.Key) {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// Range implements store.Store.
func (s *Store) Range(from, to []byte, f func(key, value []byte) error) error {
	return s.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucket).Cursor()
		for k, v := c.Seek(from); k != nil && (to == nil || bytes.Compare(k, to) < 0); k, v = c.Next() {
			if err := f(k, v); err != nil {
				return err
			}
		}
		return nil
	})
}

// Close implements store.Store.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("boltstore: %w", err)
	}
	return nil
}

// quiet drops bbolt's log lines: every one that matters comes as an error too.
type quiet struct{}

func (quiet) Debug(...any)            {}
func (quiet) Debugf(string, ...any)   {}
func (quiet) Error(...any)            {}
func (quiet) Errorf(string, ...any)   {}
func (quiet) Info(...any)             {}
func (quiet) Infof(string, ...any)    {}
func (quiet) Warning(...any)          {}
func (quiet) Warningf(string, ...any) {}

// Fatal ends what cannot go on, as bbolt asks for it.
func (quiet) Fatal(v ...any)            { panic(fmt.Sprint(v...)) }
func (quiet) Fatalf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
func (quiet) Panic(v ...any)            { panic(fmt.Sprint(v...)) }
func (quiet) Panicf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
