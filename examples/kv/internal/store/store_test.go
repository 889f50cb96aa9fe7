package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/examples/kv/internal/resp"
	"github.com/pando-go/pando/examples/kv/internal/store"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// do runs one command, its words split at spaces, and returns the reply.
func do(s *store.Store, at int64, command string) string {
	var w resp.Writer
	s.Do(at, words(command), &w)
	return string(w.Buf)
}

func words(command string) (list [][]byte) {
	for _, w := range strings.Fields(command) {
		list = append(list, []byte(w))
	}
	return list
}

func TestExpiry(t *testing.T) {
	s := store.New(1)
	do(s, 1000, "set a x px 100")
	do(s, 1000, "set b x px 50")
	do(s, 1000, "set c x")
	s.Pass(1050)
	if next := s.Expire(10); next != 1100 || s.Len() != 2 {
		t.Errorf("at 1050: got next %d and %d keys, want 1100 and 2", next, s.Len())
	}
	if got := do(s, 1099, "exists a b c"); got != ":2\r\n" {
		t.Errorf("at 1099: got %q, want 2", got)
	}
	if got := do(s, 1100, "get a"); got != "$-1\r\n" {
		t.Errorf("at 1100: got %q, want none", got)
	}
	if got := do(s, 500, "get a"); got != "$-1\r\n" {
		t.Errorf("time went back: got %q, want none", got)
	}
	if next := s.Expire(10); next != 0 || s.Len() != 1 {
		t.Errorf("at the end: got next %d and %d keys, want 0 and 1", next, s.Len())
	}
}

// TestExpiryChanged sees that a key whose deadline was changed does not go at the
// first one, and that changing it for ever takes no memory.
func TestExpiryChanged(t *testing.T) {
	s := store.New(1)
	for i := range 10_000 {
		do(s, int64(i), "set a x px 1000")
	}
	s.Pass(9999)
	if next := s.Expire(1 << 20); next != 10_999 {
		t.Errorf("got next %d, want 10999", next)
	}
	do(s, 9999, "persist a")
	s.Pass(1 << 40)
	if next := s.Expire(10); next != 0 || s.Len() != 1 {
		t.Errorf("got next %d and %d keys, want 0 and 1", next, s.Len())
	}
}

func TestVersion(t *testing.T) {
	key := []byte("k")
	for _, c := range []struct {
		name, before, command string
		changes               bool
	}{
		{"write", "set k a", "set k b", true},
		{"read", "set k a", "get k", false},
		{"another key", "set k a", "set other b", false},
		{"made", "get k", "set k a", true},
		{"removed", "set k a", "del k", true},
		{"removed without being there", "get k", "del k", false},
		{"refused", "set k a", "incr k", false},
		{"expired", "set k a px 1", "get k", true},
		{"emptied", "rpush k a", "lpop k", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := store.New(1)
			do(s, 1, c.before)
			before := s.Version(key)
			do(s, 100, c.command)
			if changed := s.Version(key) != before; changed != c.changes {
				t.Errorf("got changed %v, want %v", changed, c.changes)
			}
		})
	}
	t.Run("came and went", func(t *testing.T) {
		s := store.New(1)
		before := s.Version(key)
		do(s, 1, "set k a")
		do(s, 1, "del k")
		if s.Version(key) == before {
			t.Error("a key that was made and removed meanwhile was not noticed")
		}
	})
}

// TestScan sees that a scan returns every key that is there all the while,
// whatever comes and goes between its pages.
func TestScan(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := store.New(seed)
		for i := range 200 {
			do(s, 1, fmt.Sprintf("set stays%d x", i))
			do(s, 1, fmt.Sprintf("set goes%d x", i))
		}
		seen := map[string]bool{}
		for cursor := "0"; ; {
			page := bulks(do(s, 1, "@scan "+cursor+" count 7"))
			cursor = page[0]
			for _, key := range page[1:] {
				seen[key] = true
			}
			if cursor == "0" {
				break
			}
			for range r.IntN(20) {
				do(s, 1, fmt.Sprintf("del goes%d", r.IntN(200)))
				do(s, 1, fmt.Sprintf("set comes%d x", r.IntN(1000)))
			}
		}
		for i := range 200 {
			if key := fmt.Sprintf("stays%d", i); !seen[key] {
				t.Fatalf("seed %d: the scan has not seen %s", seed, key)
			}
		}
	}
}

// bulks lists the strings of a reply.
func bulks(reply string) (list []string) {
	parts := strings.Split(reply, "\r\n")
	for i := range len(parts) - 1 {
		if strings.HasPrefix(parts[i], "$") {
			list = append(list, parts[i+1])
		}
	}
	return list
}

// randomCommand is a command on few keys, so that they meet.
func randomCommand(r *rand.Rand) string {
	key := func() string { return fmt.Sprintf("k%d", r.IntN(6)) }
	val := func() string { return fmt.Sprintf("%d", r.IntN(5)) }
	return []func() string{
		func() string { return "set " + key() + " " + val() },
		func() string { return "set " + key() + " " + val() + " px " + fmt.Sprint(1+r.IntN(50)) },
		func() string { return "del " + key() + " " + key() },
		func() string { return "incrby " + key() + " " + val() },
		func() string { return "incrbyfloat " + key() + " 0." + val() },
		func() string { return "append " + key() + " " + val() },
		func() string { return "pexpire " + key() + " " + fmt.Sprint(r.IntN(50)) },
		func() string { return "persist " + key() },
		func() string { return "rename " + key() + " " + key() },
		func() string { return "copy " + key() + " " + key() + " replace" },
		func() string { return "hset " + key() + " f" + val() + " " + val() },
		func() string { return "hdel " + key() + " f" + val() },
		func() string { return "hincrby " + key() + " f" + val() + " 1" },
		func() string { return "rpush " + key() + " " + val() + " " + val() },
		func() string { return "lpop " + key() },
		func() string { return "lmove " + key() + " " + key() + " left right" },
		func() string { return "lrem " + key() + " 1 " + val() },
		func() string { return "ltrim " + key() + " 0 5" },
		func() string { return "sadd " + key() + " " + val() + " " + val() },
		func() string { return "spop " + key() },
		func() string { return "spop " + key() + " 2" },
		func() string { return "smove " + key() + " " + key() + " " + val() },
		func() string { return "sunionstore " + key() + " " + key() + " " + key() },
		func() string { return "getex " + key() + " px 20" },
		func() string { return "mset " + key() + " 1 " + key() + " 2" },
		func() string { return "get " + key() },
		func() string { return "@flush" },
	}[min(r.IntN(60), 26)%27]()
}

// state is a snapshot in an order of its own.
func state(t *testing.T, s *store.Store) string {
	t.Helper()
	snap := s.Snapshot()
	var lines []string
	for _, it := range snap.GetItems() {
		if it.GetKind() == kvpb.Item_SET {
			slices.SortFunc(it.Elements, bytes.Compare)
		}
		if it.GetKind() == kvpb.Item_HASH {
			var pairs []string
			for i := 0; i < len(it.Elements); i += 2 {
				pairs = append(pairs, string(it.Elements[i])+"="+string(it.Elements[i+1]))
			}
			slices.Sort(pairs)
			it.Elements = [][]byte{[]byte(strings.Join(pairs, ","))}
		}
		lines = append(lines, fmt.Sprintf("%s %v %d %q %q", it.GetKey(), it.GetKind(), it.GetDeadline(), it.GetValue(), it.GetElements()))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestChanges sees that a replica that repeats the changes has the same keys, and
// so has one that begins with a snapshot in the middle.
func TestChanges(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		primary, replica, late := store.New(seed), store.New(seed+1), store.New(seed+2)
		now, joined := int64(1000), r.IntN(100)
		for i := range 200 {
			now += int64(r.IntN(5))
			if i == joined {
				data, err := proto.Marshal(primary.Snapshot())
				if err != nil {
					t.Fatal(err)
				}
				var snap kvpb.Slot
				if err := proto.Unmarshal(data, &snap); err != nil {
					t.Fatal(err)
				}
				if err := late.Restore(&snap); err != nil {
					t.Fatal(err)
				}
			}
			command := randomCommand(r)
			var w, ignored resp.Writer
			change := primary.Do(now, words(command), &w)
			if change == nil {
				continue
			}
			replica.Do(now, change, &ignored)
			if i >= joined {
				late.Do(now, change, &ignored)
			}
		}
		for _, s := range []*store.Store{primary, replica, late} {
			s.Pass(now)
		}
		want := state(t, primary)
		for name, s := range map[string]*store.Store{"replica": replica, "late replica": late} {
			if got := state(t, s); got != want {
				t.Fatalf("seed %d: %s has\n%s\nwant\n%s", seed, name, got, want)
			}
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	for name, it := range map[string]*kvpb.Item{
		"unknown kind":          {Key: []byte("k"), Kind: 9},
		"field without a value": {Key: []byte("k"), Kind: kvpb.Item_HASH, Elements: [][]byte{[]byte("f")}},
	} {
		if err := store.New(1).Restore(&kvpb.Slot{Items: []*kvpb.Item{it}}); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"*", "abc", true}, {"", "", true}, {"", "a", false},
		{"a*c", "abbc", true}, {"a*c", "ab", false}, {"?", "a", true}, {"?", "", false},
		{"h[ae]llo", "hello", true}, {"h[ae]llo", "hillo", false}, {"h[^e]llo", "hello", false}, {"h[^e]llo", "hallo", true},
		{"h[a-c]", "hb", true}, {"h[c-a]", "hb", true}, {"h[a-c]", "hd", false}, {`\*`, "*", true}, {`\*`, "a", false},
		{"[", "a", false}, {"[]", "a", false}, {"[a", "a", true}, {`[\]]`, "]", true}, {"*a*b*", "xxaxxbxx", true}, {"*a*b*", "xxbxxaxx", false},
	} {
		if got := store.Match([]byte(c.pattern), []byte(c.text)); got != c.want {
			t.Errorf("%q with %q: got %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
	hard := []byte(strings.Repeat("*a", 50) + "b")
	store.Match(hard, bytes.Repeat([]byte("a"), 5000)) // ends
}

// FuzzDo sees that no words make a store panic, and that each reply is one
// complete line or more.
func FuzzDo(f *testing.F) {
	for _, command := range []string{"set a b ex 10", "@scan 5 count 3 match x", "sintercard 2 a b limit 1", "hrandfield h -5 withvalues", "lpos l a rank -1", "getrange a -9223372036854775808 9", "setrange a 1 b", "spop s 3", "copy a b db 0"} {
		f.Add([]byte(strings.ReplaceAll(command, " ", "\x00")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := store.New(1)
		for _, seed := range []string{"set a 1", "hset h f v g w", "rpush l a b c", "sadd s 1 2 3"} {
			do(s, 1, seed)
		}
		args := bytes.Split(data, []byte{0})
		if bytes.EqualFold(args[0], []byte("setrange")) || bytes.HasSuffix(bytes.ToLower(args[0]), []byte("randfield")) || bytes.EqualFold(args[0], []byte("srandmember")) {
			for _, a := range args {
				if len(a) > 5 {
					return // half a gigabyte, as allowed, but not here
				}
			}
		}
		for _, v3 := range []bool{false, true} {
			w := resp.Writer{V3: v3}
			s.Do(2, args, &w)
			if !bytes.HasSuffix(w.Buf, []byte("\r\n")) {
				t.Fatalf("got %q", w.Buf)
			}
		}
	})
}

func BenchmarkSet(b *testing.B) {
	s := store.New(1)
	args := [][]byte{[]byte("SET"), []byte("key:000001"), bytes.Repeat([]byte("x"), 100)}
	var w resp.Writer
	b.ReportAllocs()
	for b.Loop() {
		w.Buf = w.Buf[:0]
		s.Do(1, args, &w)
	}
}

func BenchmarkGet(b *testing.B) {
	s := store.New(1)
	do(s, 1, "set key:000001 "+strings.Repeat("x", 100))
	args := [][]byte{[]byte("GET"), []byte("key:000001")}
	var w resp.Writer
	b.ReportAllocs()
	for b.Loop() {
		w.Buf = w.Buf[:0]
		s.Do(1, args, &w)
	}
}
