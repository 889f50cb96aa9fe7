package clienttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// goRedis is the ClusterClient as a program would have it, but that it looks for
// a new table four times a second: by default it does so once a minute or when it
// is told MOVED, and a dead node tells nothing.
type goRedis struct{ c *redis.ClusterClient }

func connectGoRedis(t *testing.T, addresses []string) store {
	return goRedis{newGoRedis(t, &redis.ClusterOptions{Addrs: addresses, ClusterStateReloadInterval: 250 * time.Millisecond})}
}

func newGoRedis(t *testing.T, o *redis.ClusterOptions) *redis.ClusterClient {
	c := redis.NewClusterClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func (g goRedis) incr(ctx context.Context, key string) (int64, error) {
	return g.c.Incr(ctx, key).Result()
}

func (g goRedis) get(ctx context.Context, key string) (int64, error) {
	n, err := g.c.Get(ctx, key).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return n, err
}

func TestSystemGoRedis(t *testing.T) {
	redis.SetLogger(quietLogger{})
	levels(t, connectGoRedis)
}

// quietLogger keeps what go-redis says of nodes that are gone out of the output.
type quietLogger struct{}

func (quietLogger) Printf(context.Context, string, ...any) {}

// complaints collects what go-redis logs of the nodes of one cluster. Its log is
// global, and the clients of tests before dial what they knew for a while.
type complaints struct {
	nodes []string
	mu    sync.Mutex
	text  strings.Builder
}

func (c *complaints) Printf(_ context.Context, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := fmt.Sprintf(format+"\n", args...)
	ours := slices.ContainsFunc(c.nodes, func(address string) bool { return strings.Contains(line, address) })
	if ours || !strings.Contains(line, "dial tcp") {
		c.text.WriteString(line)
	}
}

// TestSystemGoRedisFeatures uses what the library offers beyond single commands.
// It must find nothing to complain of in its log.
func TestSystemGoRedisFeatures(t *testing.T) {
	c := newCluster(t, 3, "quorum")
	said := &complaints{nodes: c.clients}
	redis.SetLogger(said)
	defer redis.SetLogger(quietLogger{})
	c.start(0, 1, 2)
	c.settled(0, 1, 2)
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			r := newGoRedis(t, &redis.ClusterOptions{Addrs: c.clients[:1], Protocol: protocol})
			features(t, r)
		})
	}
	if said.text.Len() > 0 {
		t.Errorf("go-redis complains:\n%s", &said.text)
	}
}

func features(t *testing.T, r *redis.ClusterClient) {
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
	}
	ok(r.ForEachMaster(ctx, func(ctx context.Context, n *redis.Client) error { return n.FlushAll(ctx).Err() }))

	cmds, err := r.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 300 {
			p.Set(ctx, fmt.Sprintf("p%d", i), i, time.Hour)
		}
		return nil
	})
	ok(err)
	if len(cmds) != 300 {
		t.Errorf("pipeline: got %d replies, want 300", len(cmds))
	}
	n, err := r.DBSize(ctx).Result()
	if ok(err); n != 300 {
		t.Errorf("DBSize: got %d, want 300", n)
	}
	var mu sync.Mutex
	var keys []string
	ok(r.ForEachMaster(ctx, func(ctx context.Context, n *redis.Client) error {
		it := n.Scan(ctx, 0, "p*", 20).Iterator()
		for it.Next(ctx) {
			mu.Lock()
			keys = append(keys, it.Val())
			mu.Unlock()
		}
		return it.Err()
	}))
	slices.Sort(keys)
	if keys = slices.Compact(keys); len(keys) != 300 {
		t.Errorf("Scan: got %d keys, want 300", len(keys))
	}

	ok(r.MSet(ctx, "{t}a", 1, "{t}b", 2).Err())
	if got, err := r.MGet(ctx, "{t}a", "{t}b", "{t}c").Result(); err != nil || fmt.Sprint(got) != "[1 2 <nil>]" {
		t.Errorf("MGet: got %v, %v", got, err)
	}
	var sum *redis.IntCmd
	_, err = r.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, "{t}a")
		sum = p.IncrBy(ctx, "{t}a", 10)
		return nil
	})
	if ok(err); sum.Val() != 12 {
		t.Errorf("TxPipelined: got %d, want 12", sum.Val())
	}
	err = r.Watch(ctx, func(tx *redis.Tx) error {
		ok(r.Set(ctx, "{t}a", "other", 0).Err()) // somebody else
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "{t}a", "mine", 0)
			return nil
		})
		return err
	}, "{t}a")
	if !errors.Is(err, redis.TxFailedErr) {
		t.Errorf("Watch: got %v, want TxFailedErr", err)
	}
	if got := r.Get(ctx, "{t}a").Val(); got != "other" {
		t.Errorf("after the failed transaction: got %q", got)
	}

	ok(r.HSet(ctx, "h", "f", "v", "g", "w").Err())
	if got := r.HGetAll(ctx, "h").Val(); len(got) != 2 || got["f"] != "v" || got["g"] != "w" {
		t.Errorf("HGetAll: got %v", got)
	}
	ok(r.RPush(ctx, "l", "a", "b", "c").Err())
	if got := r.LRange(ctx, "l", 0, -1).Val(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("LRange: got %v", got)
	}
	ok(r.SAdd(ctx, "s", "x", "y").Err())
	if got := r.SMembersMap(ctx, "s").Val(); len(got) != 2 {
		t.Errorf("SMembers: got %v", got)
	}
	if got := r.IncrByFloat(ctx, "f", 0.5).Val(); got != 0.5 {
		t.Errorf("IncrByFloat: got %v", got)
	}
	ok(r.Expire(ctx, "l", time.Hour).Err())
	if got := r.TTL(ctx, "l").Val(); got != time.Hour {
		t.Errorf("TTL: got %v", got)
	}
	if err := r.Incr(ctx, "l").Err(); err == nil || !strings.HasPrefix(err.Error(), "WRONGTYPE") {
		t.Errorf("Incr of a list: got %v", err)
	}
	if got := r.ClusterKeySlot(ctx, "foo").Val(); got != 12182 {
		t.Errorf("ClusterKeySlot: got %d", got)
	}
	if info := r.ClusterInfo(ctx).Val(); !strings.Contains(info, "cluster_state:ok") {
		t.Errorf("ClusterInfo: got %q", info)
	}
	ids := map[string]bool{}
	shards, err := r.ClusterShards(ctx).Result()
	ok(err)
	for _, s := range shards {
		ids[s.Nodes[0].ID] = s.Nodes[0].Health == "online" && s.Nodes[0].Role == "master"
	}
	if len(ids) != 3 {
		t.Errorf("ClusterShards: got %v", shards)
	}
}
