package main

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/redcon"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/sharding/durable"
)

// wire is a connection without a network.
type wire struct {
	redcon.Conn
	out    []byte
	closed bool
}

func (w *wire) WriteRaw(b []byte) { w.out = append(w.out, b...) }

func (w *wire) Close() error {
	w.closed = true
	return nil
}

func (w *wire) RemoteAddr() string { return "test" }

// say sends commands as one pipeline, words split at spaces, and returns what
// comes back.
func (w *wire) say(c *client, commands ...string) string {
	var list []redcon.Command
	for _, text := range commands {
		var cmd redcon.Command
		for _, word := range strings.Fields(text) {
			cmd.Args = append(cmd.Args, []byte(word))
		}
		list = append(list, cmd)
	}
	w.out = nil
	c.serve(list[0], list[1:])
	return string(w.out)
}

// face is one node's server, and a connection to it.
type face struct {
	wire
	*client
	backend backend
}

// faces runs a cluster of n nodes in virtual time. level is as the flag.
func faces(t *testing.T, n int, level string, proxy bool, f func(k *clustertest.Kit, nodes []*face)) {
	nodes := make([]*face, n)
	clustertest.Run(t, n, func(i int) clusterd.Config {
		x := &face{}
		var services []clusterd.Service
		if level == levelMemory {
			x.backend, services = newMemory()
		} else {
			l, err := parseLevel(level)
			if err != nil {
				t.Fatal(err)
			}
			if x.backend, services, err = newReplicated(l, min(n, 3), ""); err != nil {
				t.Fatal(err)
			}
		}
		nodes[i-1] = x
		meta := map[string]string{metaID: fmt.Sprintf("%040d", i), metaClients: fmt.Sprintf("10.0.0.%d:6379", i)}
		return clusterd.Config{Timing: engine.Fast(), Services: services, Meta: meta}
	}, func(k *clustertest.Kit) {
		for i, x := range nodes {
			x.backend.start(k.Node(i + 1))
			if err := survey(k.Node(i+1), x.backend); err != nil {
				t.Fatal(err)
			}
			s := newServer(x.backend, slog.New(slog.DiscardHandler))
			s.sys = k.Node(i + 1).System()
			s.id, s.host, s.port, s.proxy, s.down = fmt.Sprintf("%040d", i+1), fmt.Sprintf("10.0.0.%d", i+1), 6379, proxy, k.Node(i+1).Down
			x.client = &client{srv: s, conn: &x.wire, id: int64(i + 1), since: time.Now()}
		}
		k.Eventually("all slots are served", func() bool {
			for _, x := range nodes {
				if !strings.Contains(x.ask("cluster info"), "cluster_state:ok") {
					return false
				}
			}
			return true
		})
		f(k, nodes)
	})
}

func (x *face) ask(commands ...string) string { return x.say(x.client, commands...) }

// TestConversation holds what one connection sees, reply by reply.
func TestConversation(t *testing.T) {
	for _, level := range []string{levelMemory, "quorum"} {
		t.Run(level, func(t *testing.T) {
			faces(t, 1, level, false, func(_ *clustertest.Kit, nodes []*face) { conversation(t, nodes[0]) })
		})
	}
}

func conversation(t *testing.T, x *face) {
	for _, c := range []struct{ say, want string }{
		{"ping", "+PONG\r\n"},
		{"ping hi", "$2\r\nhi\r\n"},
		{"ping a b", "-ERR wrong number of arguments for 'ping' command\r\n"},
		{"echo hi", "$2\r\nhi\r\n"},
		{"echo", "-ERR wrong number of arguments for 'echo' command\r\n"},
		{"nonsense a b", "-ERR unknown command 'nonsense', with args beginning with: 'a' 'b' \r\n"},
		{"@flush", "-ERR unknown command '@flush', with args beginning with: \r\n"},
		{"select 0", "+OK\r\n"},
		{"select 1", "-ERR SELECT is not allowed in cluster mode\r\n"},
		{"set a 1", "+OK\r\n"},
		{"get a", "$1\r\n1\r\n"},
		{"mget {a}1 {a}2", "*2\r\n$-1\r\n$-1\r\n"},
		{"mget a b", "-" + errCrossSlot + "\r\n"},
		{"cluster keyslot foo", ":12182\r\n"},
		{"cluster keyslot {user1000}.following", ":3443\r\n"},
		{"cluster countkeysinslot 15495", ":1\r\n"},
		{"cluster getkeysinslot 15495 10", "*1\r\n$1\r\na\r\n"},
		{"cluster getkeysinslot 16384 10", "-ERR Invalid or out of range slot\r\n"},
		{"cluster myid", "$40\r\n" + fmt.Sprintf("%040d", 1) + "\r\n"},
		{"cluster slots", "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n$8\r\n10.0.0.1\r\n:6379\r\n$40\r\n" + fmt.Sprintf("%040d", 1) + "\r\n*0\r\n"},
		{"cluster meet 10.0.0.1 6379", "+OK\r\n"},
		{"cluster meet 10.9.9.9 6379", "-ERR nodes join by themselves: start that one with this cluster's -seeds\r\n"},
		{"cluster forget nobody", "-ERR Unknown node nobody\r\n"},
		{"cluster forget " + fmt.Sprintf("%040d", 1), "-ERR I tried hard but I can't forget myself...\r\n"},
		{"cluster failover", "-ERR You should send CLUSTER FAILOVER to a replica\r\n"},
		{"cluster setslot 1 node x", "-ERR CLUSTER SETSLOT is not served: slots are spread evenly by themselves, to a node that joins and away from one that is stopped\r\n"},
		{"cluster nonsense", "-ERR unknown subcommand or wrong number of arguments for 'nonsense'. Try CLUSTER HELP.\r\n"},
		{"dbsize", ":1\r\n"},
		{"scan 0", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n"},
		{"scan 0 match b*", "*2\r\n$1\r\n0\r\n*0\r\n"},
		{"scan 0 type list", "*2\r\n$1\r\n0\r\n*0\r\n"},
		{"scan x", "-ERR invalid cursor\r\n"},
		{"scan 0 count 0", "-ERR syntax error\r\n"},
		{"keys *", "*1\r\n$1\r\na\r\n"},
		{"randomkey", "$1\r\na\r\n"},
		{"multi", "+OK\r\n"},
		{"multi", "-ERR MULTI calls can not be nested\r\n"},
		{"watch a", "-ERR WATCH inside MULTI is not allowed\r\n"},
		{"incr a", "+QUEUED\r\n"},
		{"ping", "+QUEUED\r\n"},
		{"get a", "+QUEUED\r\n"},
		{"exec", "*3\r\n:2\r\n+PONG\r\n$1\r\n2\r\n"},
		{"exec", "-ERR EXEC without MULTI\r\n"},
		{"discard", "-ERR DISCARD without MULTI\r\n"},
		{"multi", "+OK\r\n"},
		{"incr", "-ERR wrong number of arguments for 'incr' command\r\n"},
		{"exec", "-EXECABORT Transaction discarded because of previous errors.\r\n"},
		{"multi", "+OK\r\n"},
		{"set a 3", "+QUEUED\r\n"},
		{"set b 3", "+QUEUED\r\n"},
		{"exec", "-" + errCrossSlot + "\r\n"},
		{"multi", "+OK\r\n"},
		{"set a 4", "+QUEUED\r\n"},
		{"discard", "+OK\r\n"},
		{"get a", "$1\r\n2\r\n"},
		{"watch a", "+OK\r\n"},
		{"set a changed", "+OK\r\n"},
		{"multi", "+OK\r\n"},
		{"set a 5", "+QUEUED\r\n"},
		{"exec", "*-1\r\n"},
		{"watch a none{a}", "+OK\r\n"},
		{"multi", "+OK\r\n"},
		{"set a 6", "+QUEUED\r\n"},
		{"exec", "*1\r\n+OK\r\n"},
		{"watch a b", "-" + errCrossSlot + "\r\n"},
		{"unwatch", "+OK\r\n"},
		{"readonly", "+OK\r\n"},
		{"asking", "+OK\r\n"},
		{"wait 0 10", ":0\r\n"},
		{"wait x 0", "-ERR value is not an integer or out of range\r\n"},
		{"wait 1 -1", "-ERR timeout is negative\r\n"},
		{"client setname me", "+OK\r\n"},
		{"client getname", "$2\r\nme\r\n"},
		{"client setinfo lib-name x", "+OK\r\n"},
		{"client nonsense", "-ERR unknown subcommand or wrong number of arguments for 'nonsense'. Try CLIENT HELP.\r\n"},
		{"config get save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n"},
		{"config get nonsense", "*0\r\n"},
		{"command getkeys mset a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
		{"command getkeys sintercard 2 a b limit 1", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
		{"command info get", "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*0\r\n*0\r\n*0\r\n*0\r\n"},
		{"role", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"},
		{"hello 4", "-NOPROTO unsupported protocol version\r\n"},
		{"hello 3 setname x nonsense", "-ERR Syntax error in HELLO option 'nonsense'\r\n"},
		{"flushall", "+OK\r\n"},
		{"dbsize", ":0\r\n"},
		{"hset h f v", ":1\r\n"},
		{"hgetall h", "*2\r\n$1\r\nf\r\n$1\r\nv\r\n"},
		{"hello 3", "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$7\r\ncluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"},
		{"hgetall h", "%1\r\n$1\r\nf\r\n$1\r\nv\r\n"},
		{"get none", "_\r\n"},
		{"reset", "+RESET\r\n"},
		{"get none", "$-1\r\n"},
	} {
		if got := x.ask(c.say); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.say, got, c.want)
		}
	}
	if got, want := x.ask("set {p}1 a", "set {q}1 b", "get {p}1", "mget {p}1 {q}1", "ping", "get {q}1"),
		"+OK\r\n+OK\r\n$1\r\na\r\n-"+errCrossSlot+"\r\n+PONG\r\n$1\r\nb\r\n"; got != want {
		t.Errorf("pipeline: got %q, want %q", got, want)
	}
	if got := x.ask("ping", "quit", "ping"); got != "+PONG\r\n+OK\r\n" || !x.wire.closed {
		t.Errorf("quit: got %q, closed %v", got, x.wire.closed)
	}
}

// TestExpiredKeysLeave sees that keys whose time has come leave the memory, and
// are not seen from their millisecond on.
func TestExpiredKeysLeave(t *testing.T) {
	for _, level := range []string{levelMemory, "quorum"} {
		t.Run(level, func(t *testing.T) {
			faces(t, 1, level, false, func(_ *clustertest.Kit, nodes []*face) {
				x, end, done := nodes[0], make(chan struct{}), make(chan struct{})
				go func() { defer close(done); x.srv.sweep(end) }()
				x.ask("set a 1 px 5000", "set b 1")
				time.Sleep(4999 * time.Millisecond)
				if got := x.ask("exists a"); got != ":1\r\n" {
					t.Errorf("a millisecond before: got %q", got)
				}
				time.Sleep(time.Millisecond)
				if got := x.ask("exists a"); got != ":0\r\n" {
					t.Errorf("at its time: got %q", got)
				}
				x.ask("set c 1 px 5000")
				time.Sleep(6 * time.Second)
				if got := x.ask("dbsize"); got != ":1\r\n" {
					t.Errorf("afterwards: got dbsize %q, want 1", got)
				}
				close(end)
				<-done
			})
		})
	}
}

// anywhere says a command to the nodes in turn until one does not send it on, as
// a cluster client does.
func anywhere(t *testing.T, nodes []*face, command string) string {
	t.Helper()
	x := nodes[0]
	for range 5 {
		got := x.ask(command)
		var slot, node int
		if n, _ := fmt.Sscanf(got, "-MOVED %d 10.0.0.%d:6379", &slot, &node); n != 2 {
			return got
		}
		x = nodes[node-1]
	}
	t.Errorf("%s is sent round and round", command)
	return ""
}

// TestMoveKeepsKeys drives a cluster whose nodes come and go by what a client
// sees: at each step all keys are there, and all nodes print the same table.
func TestMoveKeepsKeys(t *testing.T) {
	for _, level := range []string{levelMemory, "quorum"} {
		t.Run(level, func(t *testing.T) {
			faces(t, 3, level, false, func(k *clustertest.Kit, nodes []*face) { moves(t, k, level, nodes) })
		})
	}
}

func moves(t *testing.T, k *clustertest.Kit, level string, nodes []*face) {
	const many = 200
	for i := range many {
		if got := anywhere(t, nodes, fmt.Sprintf("set key%d %d ex 1000000", i, i)); got != "+OK\r\n" {
			t.Fatalf("set key%d: got %q", i, got)
		}
	}
	all := func(nodes []*face) {
		t.Helper()
		for i := range many {
			want := fmt.Sprint(i)
			if got := anywhere(t, nodes, fmt.Sprintf("get key%d", i)); got != fmt.Sprintf("$%d\r\n%s\r\n", len(want), want) {
				t.Fatalf("get key%d: got %q", i, got)
			}
		}
	}
	all(nodes)
	k.Eventually("all nodes print the same table, with a third of the slots for each", func() bool {
		text := tableOf(nodes[0])
		return text == tableOf(nodes[1]) && text == tableOf(nodes[2]) && strings.Contains(nodes[0].ask("cluster info"), "cluster_size:3")
	})
	sum := 0
	for _, x := range nodes {
		n := 0
		if _, err := fmt.Sscanf(x.ask("dbsize"), ":%d", &n); err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if sum != many {
		t.Errorf("got %d keys on all nodes, want %d", sum, many)
	}
	if err := k.Node(2).Leave(k.T.Context()); err != nil {
		t.Fatal(err)
	}
	left := []*face{nodes[0], nil, nodes[2]}
	k.Eventually("two nodes have all slots", func() bool {
		return strings.Contains(left[0].ask("cluster info"), "cluster_size:2") && strings.Contains(left[2].ask("cluster info"), "cluster_size:2")
	})
	all(left)
	if level == levelMemory {
		return
	}
	if got := anywhere(t, left, "set last one"); got != "+OK\r\n" {
		t.Errorf("with two nodes left: got %q", got)
	}
}

// tableOf is CLUSTER NODES without the word myself.
func tableOf(x *face) string { return strings.ReplaceAll(x.ask("cluster nodes"), "myself,", "") }

// TestProxy sees that any node answers for any key, and that commands with keys
// of many slots do their sum.
func TestProxy(t *testing.T) {
	faces(t, 3, levelMemory, true, func(_ *clustertest.Kit, nodes []*face) {
		for i, c := range []struct{ say, want string }{
			{"mset a 1 b 2 c 3 d 4 e 5", "+OK\r\n"},
			{"mget e d c b a none", "*6\r\n$1\r\n5\r\n$1\r\n4\r\n$1\r\n3\r\n$1\r\n2\r\n$1\r\n1\r\n$-1\r\n"},
			{"exists a b c none", ":3\r\n"},
			{"rpush l x", ":1\r\n"},
			{"mget a l", "*2\r\n$1\r\n1\r\n$-1\r\n"},
			{"mset a", "-ERR wrong number of arguments for 'mset' command\r\n"},
			{"mset a 1 b", "-ERR wrong number of arguments for 'mset' command\r\n"},
			{"del a b c none", ":3\r\n"},
			{"unlink d e", ":2\r\n"},
			{"sinter x y", "-" + errCrossSlot + "\r\n"},
			{"msetnx x 1 y 2", "-" + errCrossSlot + "\r\n"},
		} {
			if got := nodes[i%3].ask(c.say); got != c.want {
				t.Errorf("%s at node %d: got %q, want %q", c.say, i%3+1, got, c.want)
			}
		}
	})
}

// TestProxyKeyspace sees that commands about all keys are about the whole cluster's,
// and that a scan returns every key although a node leaves in the middle of it.
func TestProxyKeyspace(t *testing.T) {
	for _, level := range []string{levelMemory, "quorum"} {
		t.Run(level, func(t *testing.T) {
			faces(t, 4, level, true, func(k *clustertest.Kit, nodes []*face) { wholeKeyspace(t, k, nodes) })
		})
	}
}

func wholeKeyspace(t *testing.T, k *clustertest.Kit, nodes []*face) {
	const many = 60
	for i := range many {
		if got := nodes[i%4].ask(fmt.Sprintf("set key%d %d", i, i)); got != "+OK\r\n" {
			t.Fatalf("set key%d: got %q", i, got)
		}
	}
	k.Eventually("all nodes have slots", func() bool { return strings.Contains(nodes[0].ask("cluster info"), "cluster_size:4") })
	for i, x := range nodes {
		// A slot that moves is counted by neither side for a moment.
		k.Eventually(fmt.Sprint("DBSIZE counts all keys at node ", i+1), func() bool {
			return x.ask("dbsize") == fmt.Sprintf(":%d\r\n", many)
		})
		if got := len(bulks([]byte(x.ask("keys *")))); got != many {
			t.Errorf("KEYS at node %d: got %d keys", i+1, got)
		}
	}
	var leaving sync.WaitGroup
	found, cursor := map[string]bool{}, "0"
	for round := 0; round == 0 || cursor != "0"; round++ {
		if round == 3 {
			leaving.Go(func() {
				if err := k.Node(4).Leave(k.T.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		page := bulks([]byte(nodes[round%3].ask("scan " + cursor + " count 7")))
		if len(page) == 0 || round > 10*many {
			t.Fatalf("round %d from %s: got %q", round, cursor, page)
		}
		cursor = string(page[0])
		for _, key := range page[1:] {
			found[string(key)] = true
		}
		time.Sleep(20 * time.Millisecond)
	}
	leaving.Wait()
	if len(found) != many {
		t.Errorf("SCAN: got %d different keys, want %d", len(found), many)
	}
	if got := nodes[0].ask("flushall"); got != "+OK\r\n" {
		t.Errorf("FLUSHALL: got %q", got)
	}
	if got := nodes[1].ask("dbsize"); got != ":0\r\n" {
		t.Errorf("DBSIZE after it: got %q", got)
	}
}

// TestWaitAndFailover uses what only replicated slots have.
func TestWaitAndFailover(t *testing.T) {
	faces(t, 3, "async", false, func(k *clustertest.Kit, nodes []*face) {
		at := func() (owner *face) {
			for _, x := range nodes {
				if _, here := x.backend.home(12182); here {
					owner = x
				}
			}
			return owner
		}
		k.Eventually("the slot has two replicas", func() bool {
			row, err := durable.RowOf(k.Node(1), 12182)
			return err == nil && len(row.Replicas) == 2 && row.To == ""
		})
		x := at()
		if got := x.ask("set foo 1", "wait 1 5000"); got != "+OK\r\n:1\r\n" {
			t.Errorf("WAIT 1: got %q", got)
		}
		if got := x.ask("set foo 2", "wait 2 5000"); got != "+OK\r\n:2\r\n" {
			t.Errorf("WAIT 2: got %q", got)
		}
		if got := x.ask("set foo 3", "wait 9 100"); !strings.HasPrefix(got, "+OK\r\n:") {
			t.Errorf("WAIT 9: got %q", got)
		}
		other := nodes[0]
		if other == x {
			other = nodes[1]
		}
		if got, want := other.ask("readonly", "get foo", "readwrite"), "+OK\r\n-MOVED 12182 "+x.srv.host+":6379\r\n+OK\r\n"; got != want {
			t.Errorf("a read at a replica: got %q, want %q", got, want)
		}
		if got := other.ask("cluster failover"); got != "+OK\r\n" {
			t.Fatalf("CLUSTER FAILOVER: got %q", got)
		}
		if got := anywhere(t, nodes, "get foo"); got != "$1\r\n3\r\n" {
			t.Errorf("after the failover: got %q", got)
		}
	})
}

// TestLargeSlot fills one slot with more than one message between nodes may carry,
// and has another node take it over. One value that is too large is refused, and what
// comes after it is not.
func TestLargeSlot(t *testing.T) {
	faces(t, 3, "quorum", false, func(k *clustertest.Kit, nodes []*face) {
		const many = 32
		value := strings.Repeat("x", 150<<10)
		var line []string
		for i := range many {
			line = append(line, fmt.Sprintf("set {foo}%d %s", i, value))
		}
		for _, x := range nodes {
			if _, here := x.backend.home(12182); here {
				if got := x.ask(line...); got != strings.Repeat("+OK\r\n", many) {
					t.Fatalf("one large pipeline: got %q", got)
				}
			}
		}
		if got := anywhere(t, nodes, "set {foo}large "+strings.Repeat("x", 4<<20)); got != "-"+errTooLarge+"\r\n" {
			t.Errorf("a large value: got %q", got)
		}
		for _, x := range nodes {
			if _, here := x.backend.home(12182); !here {
				if got := x.ask("cluster failover"); got != "+OK\r\n" {
					t.Errorf("CLUSTER FAILOVER: got %q", got)
				}
				break
			}
		}
		for i := range many {
			if got := anywhere(t, nodes, fmt.Sprintf("strlen {foo}%d", i)); got != fmt.Sprintf(":%d\r\n", len(value)) {
				t.Errorf("strlen {foo}%d: got %q", i, got)
			}
		}
	})
}
