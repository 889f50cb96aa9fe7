// Package storetest holds a store to what store.Store promises.
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) (store.Store, func() store.Store) { … })
//	}
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pando-go/pando/clusterd/sharding/store"
)

// Open makes an empty store, and returns it with what closes it and opens it again,
// as a restarted process does. Both stores are closed by the caller.
type Open func(t *testing.T) (s store.Store, again func() store.Store)

// Run runs all tests.
func Run(t *testing.T, open Open) {
	t.Run("order", func(t *testing.T) { testOrder(t, open) })
	t.Run("ranges", func(t *testing.T) { testRanges(t, open) })
	t.Run("values", func(t *testing.T) { testValues(t, open) })
	t.Run("again", func(t *testing.T) { testAgain(t, open) })
	t.Run("model", func(t *testing.T) { testModel(t, open) })
	t.Run("stop", func(t *testing.T) { testStop(t, open) })
}

func apply(t *testing.T, s store.Store, ops ...store.Op) {
	t.Helper()
	if err := s.Apply(ops, true); err != nil {
		t.Fatal(err)
	}
}

func closed(t *testing.T, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// dump is the pairs of a range, as text.
func dump(t *testing.T, s store.Store, from, to string) string {
	t.Helper()
	var b bytes.Buffer
	var end []byte
	if to != "" {
		end = []byte(to)
	}
	err := s.Range([]byte(from), end, func(k, v []byte) error {
		fmt.Fprintf(&b, "%s=%s ", k, v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func put(pair string) store.Op {
	k, v, _ := bytes.Cut([]byte(pair), []byte("="))
	return store.Put(k, v)
}

func testOrder(t *testing.T, open Open) {
	s, _ := open(t)
	defer closed(t, s)
	apply(t, s, put("b=2"), put("a=1"), put("ab=3"), put("longer than a prefix=4"), put("c=5"))
	want(t, "all", dump(t, s, "", ""), "a=1 ab=3 b=2 c=5 longer than a prefix=4 ")
	want(t, "from the middle", dump(t, s, "aa", "c"), "ab=3 b=2 ")
	want(t, "nothing", dump(t, s, "b", "b"), "")
}

func testRanges(t *testing.T, open Open) {
	s, _ := open(t)
	defer closed(t, s)
	for i := range 20 {
		apply(t, s, put(fmt.Sprintf("key %02d=%d", i, i)))
	}
	apply(t, s, store.DeleteRange([]byte("key 03"), []byte("key 17")), put("key 05=new"), store.Delete([]byte("key 01")))
	want(t, "in one batch", dump(t, s, "", ""), "key 00=0 key 02=2 key 05=new key 17=17 key 18=18 key 19=19 ")
	apply(t, s, store.Delete([]byte("key 01")), store.DeleteRange([]byte("key 18"), nil))
	want(t, "to the end", dump(t, s, "", ""), "key 00=0 key 02=2 key 05=new key 17=17 ")
	apply(t, s, put("x=1"), store.DeleteRange(nil, nil), put("y=2"))
	want(t, "everything", dump(t, s, "", ""), "y=2 ")
}

func testValues(t *testing.T, open Open) {
	s, _ := open(t)
	defer closed(t, s)
	key, value := []byte("key"), bytes.Repeat([]byte("v"), 100_000)
	apply(t, s, store.Put(key, value), store.Put([]byte("nil"), nil))
	err := s.Range([]byte("key"), nil, func(k, v []byte) error {
		if string(k) == "nil" && len(v) != 0 || string(k) == "key" && !bytes.Equal(v, bytes.Repeat([]byte("v"), 100_000)) {
			t.Errorf("%s: got %d bytes", k, len(v))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func testAgain(t *testing.T, open Open) {
	s, again := open(t)
	apply(t, s, put("a=1"), put("b=2"))
	if err := s.Apply([]store.Op{put("c=3")}, false); err != nil {
		t.Fatal(err)
	}
	apply(t, s, store.Delete([]byte("a")))
	s = again()
	defer closed(t, s)
	want(t, "after a restart", dump(t, s, "", ""), "b=2 c=3 ")
}

// testModel does at random what a map does too.
func testModel(t *testing.T, open Open) {
	s, again := open(t)
	rng := rand.New(rand.NewPCG(1, 2))
	model := map[string]string{}
	key := func() string { return fmt.Sprintf("%04d", rng.IntN(300)) }
	for round := range 100 {
		var ops []store.Op
		for range rng.IntN(20) {
			switch k := key(); rng.IntN(5) {
			case 0:
				to := key()
				ops = append(ops, store.DeleteRange([]byte(k), []byte(to)))
				for have := range model {
					if have >= k && have < to {
						delete(model, have)
					}
				}
			default:
				model[k] = fmt.Sprint(round)
				ops = append(ops, put(k+"="+model[k]))
			}
		}
		apply(t, s, ops...)
	}
	s = again()
	defer closed(t, s)
	var text string
	keys := make([]string, 0, len(model))
	for k := range model {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		text += k + "=" + model[k] + " "
	}
	want(t, "the model", dump(t, s, "", ""), text)
}

func testStop(t *testing.T, open Open) {
	s, _ := open(t)
	defer closed(t, s)
	apply(t, s, put("a=1"), put("b=2"))
	enough, calls := errors.New("enough"), 0
	err := s.Range(nil, nil, func(_, _ []byte) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("got %v after %d calls, want the callback's error after 1", err, calls)
	}
}
