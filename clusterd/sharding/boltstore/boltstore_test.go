package boltstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pando-go/pando/clusterd/sharding/boltstore"
	"github.com/pando-go/pando/clusterd/sharding/store"
	"github.com/pando-go/pando/clusterd/sharding/store/storetest"
)

func open(t *testing.T, dir string, opts ...boltstore.Option) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (store.Store, func() store.Store) {
		dir := t.TempDir()
		s := open(t, dir)
		return s, func() store.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, dir)
		}
	})
}

func TestLockedAgainstAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := boltstore.Open(dir); !errors.Is(err, store.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
}

func count(t *testing.T, s store.Store) (n int) {
	t.Helper()
	if err := s.Range(nil, nil, func(_, v []byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFull: a batch for which there is no room is not there at all, and fits once
// something was deleted.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, boltstore.MaxSize(1<<20))
	defer s.Close()
	value := bytes.Repeat([]byte("v"), 10_000)
	n := 0
	var err error
	for ; err == nil && n < 1000; n++ {
		err = s.Apply([]store.Op{store.Put(fmt.Appendf(nil, "%04d a", n), value), store.Put(fmt.Appendf(nil, "%04d b", n), value)}, true)
	}
	if !errors.Is(err, store.ErrFull) {
		t.Fatalf("after %d batches: got %v, want ErrFull", n, err)
	}
	if got, want := count(t, s), 2*(n-1); got != want {
		t.Errorf("got %d keys, want the %d of the batches that fit", got, want)
	}
	if err := s.Apply([]store.Op{store.DeleteRange([]byte("0000"), []byte("0010"))}, true); err != nil {
		t.Errorf("deleting: %v", err)
	}
	if err := s.Apply([]store.Op{store.Put([]byte("9999"), value)}, true); err != nil {
		t.Errorf("after deleting: %v", err)
	}
}

// TestTornWrite plays a crash in the middle of a commit. Pages of a commit may be
// on the disk in any part; its meta page is written after all of them are. So each
// mixture of the old file with pages of the new one must open as the old one, and
// one with a meta page that is half new too.
func TestTornWrite(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 200 {
		if err := s.Apply([]store.Op{store.Put(fmt.Appendf(nil, "%04d", i), bytes.Repeat([]byte("v"), 500))}, true); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "shards.db")
	before := read(t, file)
	if err := s.Apply([]store.Op{store.Put([]byte("9999"), []byte("new")), store.DeleteRange([]byte("0000"), []byte("0100"))}, true); err != nil {
		t.Fatal(err)
	}
	after := read(t, file)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	var pages, metas []int
	for at := 0; at < len(after); at += page {
		switch {
		case at < len(before) && bytes.Equal(before[at:at+page], after[at:at+page]):
		case at < 2*page:
			metas = append(metas, at)
		default:
			pages = append(pages, at)
		}
	}
	if len(pages) < 2 || len(metas) != 1 {
		t.Fatalf("%d pages and %d meta pages changed; the test is for at least 2, and 1", len(pages), len(metas))
	}
	check := func(name string, want int, change func(b []byte)) {
		torn := append(bytes.Clone(before), make([]byte, max(0, len(after)-len(before)))...)
		change(torn)
		d := t.TempDir()
		if err := os.WriteFile(filepath.Join(d, "shards.db"), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, d)
		defer s.Close()
		if got := count(t, s); got != want {
			t.Errorf("%s: got %d keys, want %d", name, got, want)
		}
	}
	for i, at := range pages {
		check(fmt.Sprintf("page %d alone", i), 200, func(b []byte) { copy(b[at:at+page], after[at:at+page]) })
		check(fmt.Sprintf("half of page %d", i), 200, func(b []byte) { copy(b[at:at+page/2], after[at:at+page/2]) })
		check(fmt.Sprintf("the first %d pages", i+1), 200, func(b []byte) {
			for _, at := range pages[:i+1] {
				copy(b[at:at+page], after[at:at+page])
			}
		})
	}
	all := func(b []byte) {
		for _, at := range pages {
			copy(b[at:at+page], after[at:at+page])
		}
	}
	check("half of the meta page", 200, func(b []byte) { all(b); copy(b[metas[0]:metas[0]+48], after[metas[0]:metas[0]+48]) })
	check("everything", 101, func(b []byte) { all(b); copy(b[metas[0]:metas[0]+page], after[metas[0]:metas[0]+page]) })
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestHelloDoesNotLinkIt: who opens no store has no bbolt in the program.
func TestHelloDoesNotLinkIt(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/pando-go/pando/examples/hello", "github.com/pando-go/pando/clusterd/sharding/durable").Output()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out, []byte("go.etcd.io/bbolt")) {
		t.Error("bbolt is linked")
	}
}
