package lease

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a Register whose exchanges may take long and whose answers may get lost.
type memory struct {
	mu     sync.Mutex
	record Record
	delay  func() time.Duration // before and after an exchange; nil = none
	lost   func() bool          // the answer is; nil = never
}

var errLostAnswer = errors.New("the answer got lost")

func (m *memory) Load(context.Context) (Record, error) {
	m.wait()
	defer m.wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.record, m.fate()
}

func (m *memory) Swap(_ context.Context, old, next Record) error {
	m.wait()
	defer m.wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.record.Sequence != old.Sequence {
		return fmt.Errorf("memory: %w", ErrConflict)
	}
	m.record = next
	return m.fate()
}

func (m *memory) wait() {
	if m.delay != nil {
		time.Sleep(m.delay())
	}
}

func (m *memory) fate() error {
	if m.lost != nil && m.lost() {
		return errLostAnswer
	}
	return nil
}

const ttl = 10 * time.Second

// registers are all registers of this package, each empty.
func registers(t *testing.T) map[string]Register {
	return map[string]Register{
		"memory": &memory{},
		"file":   &File{Path: filepath.Join(t.TempDir(), "lease")},
	}
}

// TestStore is what every Store does, step by step.
func TestStore(t *testing.T) {
	for name, register := range registers(t) { // order: each is tested by itself
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			a, b := New(register), New(register)
			first, err := a.Acquire(ctx, "a", ttl)
			if err != nil || first != (Grant{Number: 1}) {
				t.Fatalf("first: got %+v, %v", first, err)
			}
			var held *HeldError
			if _, err := b.Acquire(ctx, "b", ttl); !errors.As(err, &held) || held.Owner != "a" {
				t.Errorf("held: got %v, want a *HeldError that names a", err)
			}
			if _, err := b.Renew(ctx, "b", ttl, "x"); !errors.Is(err, ErrLost) {
				t.Errorf("renewed by another: got %v, want %v", err, ErrLost)
			}
			if got, err := a.Renew(ctx, "a", ttl, "seen 7"); err != nil || got != (Grant{1, "seen 7"}) {
				t.Errorf("renewed: got %+v, %v", got, err)
			}
			if got, err := a.Acquire(ctx, "a", ttl); err != nil || got != (Grant{1, "seen 7"}) {
				t.Errorf("acquired by its holder: got %+v, %v, want the same number", got, err)
			}
			if err := b.Release(ctx, "b"); err != nil {
				t.Errorf("released by another: got %v, want nothing to happen", err)
			}
			if err := a.Release(ctx, "a"); err != nil {
				t.Error(err)
			}
			if got, err := b.Acquire(ctx, "b", ttl); err != nil || got != (Grant{2, "seen 7"}) {
				t.Errorf("acquired after the release: got %+v, %v, want number 2 and the note", got, err)
			}
			if _, err := b.Renew(ctx, "b", ttl, strings.Repeat("x", MaxText+1)); !errors.Is(err, ErrBadRecord) {
				t.Errorf("a long note: got %v, want %v", err, ErrBadRecord)
			}
		})
	}
}

// TestHolderThatIsGone: another one gets the lease when it has seen it unchanged for
// TTL·(1+ρ)/(1−ρ), and not before, however often it asks and whenever it began.
func TestHolderThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		a, b := New(m), New(m)
		if _, err := a.Acquire(t.Context(), "a", ttl); err != nil {
			t.Fatal(err)
		}
		time.Sleep(ttl / 2)
		began := time.Now()
		for {
			if _, err := b.Acquire(t.Context(), "b", ttl); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		waited, want := time.Since(began), ttl*105/95
		if waited < want || waited > want+200*time.Millisecond {
			t.Errorf("got it after %v, want %v", waited, want)
		}
		if _, err := a.Renew(t.Context(), "a", ttl, ""); !errors.Is(err, ErrLost) {
			t.Errorf("the former holder: got %v, want %v", err, ErrLost)
		}
	})
}

// TestNeverTwoHolders has several owners fight for one lease over a register that is
// slow and loses answers, each with a clock that is off by up to 5 %: by what they
// know, no two hold it at one time.
func TestNeverTwoHolders(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { fight(t, seed) })
	}
}

func fight(t *testing.T, seed uint64) {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 1))
	draw := func(n time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(rng.Int64N(int64(n)))
	}
	m := &memory{
		delay: func() time.Duration { return draw(200 * time.Millisecond) },
		lost:  func() bool { return draw(10) == 0 },
	}
	until := map[string]time.Time{} // by what each knows
	granted := 0
	var all sync.WaitGroup
	end := time.Now().Add(10 * time.Minute)
	for i := range 4 {
		owner := string(rune('a' + i))
		all.Go(func() {
			store := New(m)
			for time.Now().Before(end) {
				asked := time.Now()
				_, err := store.Acquire(t.Context(), owner, ttl)
				mu.Lock()
				if err == nil {
					granted++
					// A slow clock takes longer to count the TTL.
					until[owner] = asked.Add(ttl * 100 / 95)
				}
				for other, at := range until { // order: any one decides
					if other != owner && time.Now().Before(at) && time.Now().Before(until[owner]) {
						t.Errorf("seed %d: %s and %s hold the lease", seed, owner, other)
					}
				}
				mu.Unlock()
				if err != nil {
					time.Sleep(draw(ttl / 20))
					continue
				}
				time.Sleep(draw(3 * ttl)) // sometimes too late to renew
				if draw(4) == 0 {
					mu.Lock()
					delete(until, owner)
					mu.Unlock()
					_ = store.Release(t.Context(), owner) // an error is part of the fight
				}
			}
		})
	}
	all.Wait()
	if granted < 20 {
		t.Errorf("seed %d: granted %d times in ten minutes, want more", seed, granted)
	}
}

func TestFileThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	if err := os.WriteFile(path, []byte("not a record"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(&File{Path: path}).Acquire(t.Context(), "a", ttl); !errors.Is(err, ErrBadRecord) {
		t.Errorf("got %v, want %v", err, ErrBadRecord)
	}
	if _, err := New(&File{Path: filepath.Join(path, "no", "folder")}).Acquire(t.Context(), "a", ttl); err == nil {
		t.Error("a path that cannot be: got no error")
	}
}

// TestFileLockIsWaitedFor: an exchange waits while another process has the lock, as
// long as its context lasts.
func TestFileLockIsWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	lock, err := os.Create(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if held, err := tryLock(lock); held || err != nil {
		t.Skipf("no file locks here: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(&File{Path: path}).Acquire(ctx, "a", ttl); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"Owner":"a","Number":1,"Sequence":2,"TTL":5000000000,"Note":"x"}`))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "lease")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		grant, err := New(&File{Path: path}).Acquire(t.Context(), "z", ttl)
		if err == nil && grant.Number == 0 {
			t.Errorf("%q: granted as number 0", text)
		}
	})
}
