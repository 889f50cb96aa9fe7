package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a source that answers as it is told.
type script struct {
	mu   sync.Mutex
	list []string
	err  error
	hang bool
	asks []time.Time
}

func (s *script) Discover(ctx context.Context) ([]string, error) {
	s.mu.Lock()
	s.asks = append(s.asks, time.Now())
	list, err, hang := s.list, s.err, s.hang
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return list, err
}

func (s *script) set(err error, list ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.err = list, err
}

func (s *script) asked() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asks)
}

// watched runs f beside a Watch in a bubble; got collects the lists.
func watched(t *testing.T, cfg Config, f func(s *script, got func() []string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		cfg.Source, cfg.Logger = s, slog.New(slog.DiscardHandler)
		var mu sync.Mutex
		var lists []string
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- Watch(ctx, cfg, func(l List) {
				mu.Lock()
				defer mu.Unlock()
				lists = append(lists, fmt.Sprint(l.Addresses, l.Stable))
			})
		}()
		f(s, func() []string {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			got := lists
			lists = nil
			return got
		})
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch = %v, want %v", err, context.Canceled)
		}
	})
}

func wantLists(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// Contact points trickle in: each list is told at once, and the last one again
// when it has not changed for the margin.
func TestStableMargin(t *testing.T) {
	watched(t, Config{Every: time.Second}, func(s *script, got func() []string) {
		time.Sleep(20 * time.Second)
		wantLists(t, "nothing found", got())
		s.set(nil, "b:1")
		time.Sleep(4 * time.Second)
		wantLists(t, "one", got(), "[b:1] false")
		s.set(nil, "b:1", "a:1", "b:1")
		time.Sleep(3 * time.Second)
		wantLists(t, "two, one of them twice", got(), "[a:1 b:1] false")
		time.Sleep(6 * time.Second)
		wantLists(t, "after the margin", got(), "[a:1 b:1] true")
		time.Sleep(time.Minute)
		wantLists(t, "at rest", got())
		s.set(nil)
		time.Sleep(time.Minute)
		wantLists(t, "an empty list", got())
		s.set(nil, "a:1")
		time.Sleep(20 * time.Second)
		wantLists(t, "one went", got(), "[a:1] false", "[a:1] true")
	})
}

// Failures leave the list, and the pause between looks grows to a bound.
func TestBackoff(t *testing.T) {
	watched(t, Config{Backoff: time.Second}, func(s *script, got func() []string) {
		s.set(nil, "a:1")
		time.Sleep(20 * time.Second)
		got()
		s.set(errors.New("no answer"))
		begin := len(s.asked())
		time.Sleep(10 * time.Minute)
		wantLists(t, "while it fails", got())
		asks := s.asked()[begin:]
		if n := len(asks); n < 18 || n > 40 {
			t.Errorf("asked %d times in ten minutes, want about one in 30 s", n)
		}
		for i, least := range []time.Duration{0, 800, 1600, 3200} {
			if i > 0 && asks[i].Sub(asks[i-1]) < least*time.Millisecond {
				t.Errorf("pause %d: got %s, want at least %dms", i, asks[i].Sub(asks[i-1]), least)
			}
		}
		s.set(nil, "a:1", "b:1")
		time.Sleep(time.Minute)
		wantLists(t, "when it works again", got(), "[a:1 b:1] false", "[a:1 b:1] true")
	})
}

func TestLookIsBounded(t *testing.T) {
	watched(t, Config{Timeout: time.Second}, func(s *script, got func() []string) {
		s.mu.Lock()
		s.hang = true
		s.mu.Unlock()
		time.Sleep(10 * time.Second)
		if n := len(s.asked()); n < 3 {
			t.Errorf("asked %d times in 10 s, want the next look after a hanging one", n)
		}
		s.mu.Lock()
		s.hang, s.list = false, []string{"a:1"}
		s.mu.Unlock()
		time.Sleep(time.Minute)
		wantLists(t, "after that", got(), "[a:1] false", "[a:1] true")
	})
}

func TestWatchRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{"no source": {}, "negative": {Source: Static{"a:1"}, Every: -1}} {
		if err := Watch(t.Context(), cfg, nil); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: got %v, want %v", name, err, ErrConfig)
		}
	}
}

func TestTidy(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("10.0.0.%d:7000", 199-i))
	}
	list, dropped, err := tidy(many)
	if err != nil || len(list) != Limit || dropped != 100-Limit || list[0] != "10.0.0.100:7000" {
		t.Errorf("got %d from %s, %d dropped, %v; want the %d lowest", len(list), list[0], dropped, err, Limit)
	}
	for _, bad := range []string{"", "a", ":1", "a:0", "a:65536", "a:x", "a:1:2", strings.Repeat("x", 600) + ":1"} {
		if _, _, err := tidy([]string{"a:1", bad}); !errors.Is(err, ErrBadList) {
			t.Errorf("%.20q: got %v, want %v", bad, err, ErrBadList)
		}
	}
}

func FuzzTidy(f *testing.F) {
	f.Add("a:1\nb:1\na:1")
	f.Add("[::1]:5\n:1\nx")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := addresses(strings.NewReader(text))
		if err != nil {
			return
		}
		got, _, err := tidy(list)
		if err == nil && (len(got) > Limit || len(slices.Compact(slices.Clone(got))) != len(got)) {
			t.Errorf("got %q, want at most %d, none twice", got, Limit)
		}
	})
}
