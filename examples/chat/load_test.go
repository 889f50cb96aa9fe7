package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/slots"
	"github.com/pando-go/pando/examples/internal/proctest"
)

// The load: users × lines messages into one room.
const (
	loadUsers = 20
	loadLines = 500
	loadTime  = 2 * time.Minute       // for all of it; with the race detector on a busy machine it is slow
	loadPause = 12 * time.Millisecond // between two lines of one user, so that the load outlasts a join and a leave
)

// talker is one user of the load: it says its lines and keeps all it receives.
type talker struct {
	client *client
	mu     sync.Mutex
	heard  []string
	homes  []string
	faults []string
	notes  []string // of the connection
}

func newTalker(address, room, user string) *talker {
	k := &talker{client: newClient(address, room, user)}
	k.client.show = k.show
	k.client.note = func(text string) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.notes = append(k.notes, fmt.Sprintf("at line %d: %s", len(k.heard), text))
	}
	return k
}

func (k *talker) show(f frame) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch f.Type {
	case "":
		if want := uint64(len(k.heard) + 1); f.Seq != want {
			k.faults = append(k.faults, fmt.Sprintf("got seq %d, want %d", f.Seq, want))
		}
		k.heard = append(k.heard, f.User+": "+f.Text)
	case "room":
		k.homes = append(k.homes, f.Home)
	case "gap", "reset", "error":
		k.faults = append(k.faults, fmt.Sprintf("got %s %d %s", f.Type, f.Seq, f.lineFrame.Text))
	}
}

func (k *talker) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.heard)
}

func (k *talker) atLeast(lines int) error {
	if got := k.count(); got < lines {
		return fmt.Errorf("has %d lines, want %d", got, lines)
	}
	return nil
}

// talk says lines, at the pace of the room and no faster than loadPause.
func (k *talker) talk(ctx context.Context, lines int) error {
	tick := time.NewTicker(loadPause)
	defer tick.Stop()
	for i := range lines {
		<-tick.C
		if err := k.client.say(ctx, fmt.Sprint(i)); err != nil {
			return err
		}
	}
	return k.client.settled(ctx)
}

// layout asks a node where each slot of the rooms is, once all of n nodes have
// their share.
func layout(t *testing.T, page string, n int) [][]slots.Node {
	t.Helper()
	units := make([][]slots.Node, slots.Count)
	proctest.Eventually(t, upTime, func() error {
		answer, err := http.Get("http://" + page + "/slots")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		var list []slotRange
		if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
			return err
		}
		shares := map[string]int{}
		for _, r := range list {
			for slot := int(r.First); slot <= int(r.Last); slot++ {
				units[slot] = []slots.Node{slots.Node(r.Home)}
				shares[r.Home]++
			}
		}
		for home, share := range shares {
			if len(shares) != n || share < slots.Count/n || share > slots.Count/n+1 {
				return fmt.Errorf("%s has %d slots of %d nodes", home, share, len(shares))
			}
		}
		return nil
	})
	return units
}

// roomFor finds a room whose home moves as asked when the last node joins.
func (g *grove) roomFor(t *testing.T, moves bool) (name string) {
	last := slots.Node(g.listen[len(g.listen)-1])
	var members []slots.Member
	for _, address := range g.listen {
		members = append(members, slots.Member{Node: slots.Node(address)})
	}
	with := slots.Planner{}.Plan(layout(t, g.http[0], len(g.listen)-1), members)
	for i := 0; ; i++ {
		name = fmt.Sprint("room", i)
		if (with[slots.Of(name)][0] == last) == moves {
			return name
		}
	}
}

func TestSystemTenThousandLines(t *testing.T) {
	proctest.Skip(t)
	for _, c := range []struct {
		name  string
		moves bool
	}{{"into a room whose home moves", true}, {"into a room whose home stays", false}} {
		t.Run(c.name, func(t *testing.T) {
			g := newGrove(t, 4)
			for i := range 3 {
				g.start(i)
			}
			g.agree(upTime, 0, 1, 2)
			load(t, g, g.roomFor(t, c.moves), c.moves)
		})
	}
}

// load lets the users talk while the fourth node joins and leaves.
func load(t *testing.T, g *grove, room string, moves bool) {
	talkers := make([]*talker, loadUsers)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var running, talking sync.WaitGroup
	for i := range talkers {
		k := newTalker(g.http[i%3], room, fmt.Sprint("user", i))
		talkers[i] = k
		running.Go(func() {
			if err := k.client.run(ctx); !errors.Is(err, errDone) {
				t.Errorf("user%d: %v", i, err)
			}
		})
	}
	proctest.Eventually(t, upTime, func() error { // everybody is there from the first line on
		for i, k := range talkers {
			if got := len(k.client.present()); got != loadUsers {
				return fmt.Errorf("user%d sees %d users, want %d", i, got, loadUsers)
			}
		}
		return nil
	})
	begun := time.Now()
	t.Cleanup(func() {
		for i, k := range talkers {
			if t.Failed() {
				t.Logf("user%d: %d lines, faults %q, notes %q", i, k.count(), k.faults, k.notes)
			}
		}
	})
	bound, done := context.WithTimeoutCause(ctx, loadTime, errors.New("the load takes too long"))
	defer done()
	for i, k := range talkers {
		talking.Go(func() {
			if err := k.talk(bound, loadLines); err != nil {
				t.Errorf("user%d: %v", i, err)
			}
		})
	}
	const total = loadUsers * loadLines
	proctest.Eventually(t, loadTime, func() error { return talkers[0].atLeast(total / 5) })
	g.start(3)
	g.agree(upTime, 0, 1, 2, 3)
	proctest.Eventually(t, upTime, func() error { return hosted(talkers[0], g.listen[3], moves) })
	joined := talkers[0].count()
	proctest.Eventually(t, loadTime, func() error { return talkers[0].atLeast(joined + total/10) })
	leaves := talkers[0].count()
	g.stop(3)
	left := talkers[0].count()
	if left == total {
		t.Errorf("all lines were said before the fourth node had left: the load is too short")
	}
	talking.Wait()
	proctest.Eventually(t, upTime, func() error {
		for i, k := range talkers {
			if err := k.atLeast(total); err != nil {
				return fmt.Errorf("user%d %w", i, err)
			}
		}
		return nil
	})
	t.Logf("%d lines to each of %d users in %v; the fourth node was in at line %d, began to leave at %d and was gone at %d",
		total, loadUsers, time.Since(begun).Round(time.Millisecond), joined, leaves, left)
	cancel(errDone)
	running.Wait()
	checkLoad(t, talkers)
}

// hosted reports whether the room is, or never was, at the address, as moves asks.
func hosted(k *talker, address string, moves bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if was := slices.Contains(k.homes, address); was != moves {
		return fmt.Errorf("the room's homes were %v: with %s among them is %v, want %v", k.homes, address, was, moves)
	}
	return nil
}

// checkLoad: each user has all lines, in the same order, none twice.
func checkLoad(t *testing.T, talkers []*talker) {
	t.Helper()
	want := talkers[0].heard
	once := map[string]int{}
	for _, line := range want {
		once[line]++
	}
	if len(want) != loadUsers*loadLines || len(once) != loadUsers*loadLines {
		t.Errorf("user0 has %d lines, %d different ones, want %d of both", len(want), len(once), loadUsers*loadLines)
	}
	for i, k := range talkers {
		if !slices.Equal(k.heard, want) {
			t.Errorf("user%d has other lines than user0", i)
		}
		for _, fault := range k.faults {
			t.Errorf("user%d: %s", i, fault)
		}
	}
}
