package clienttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// rueidisStore is a client of another make: RESP3, one connection a node that all
// callers share, commands pipelined by themselves.
type rueidisStore struct{ c rueidis.Client }

func connectRueidis(t *testing.T, addresses []string) store {
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: addresses, DisableCache: true, // the server does not track what clients cache
		ClusterOption: rueidis.ClusterOption{ShardsRefreshInterval: 250 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return rueidisStore{c}
}

func (r rueidisStore) incr(ctx context.Context, key string) (int64, error) {
	return r.c.Do(ctx, r.c.B().Incr().Key(key).Build()).AsInt64()
}

func (r rueidisStore) get(ctx context.Context, key string) (int64, error) {
	n, err := r.c.Do(ctx, r.c.B().Get().Key(key).Build()).AsInt64()
	if rueidis.IsRedisNil(err) {
		return 0, nil
	}
	return n, err
}

func TestSystemRueidis(t *testing.T) { levels(t, connectRueidis) }

func TestSystemRueidisFeatures(t *testing.T) {
	c := newCluster(t, 3, "quorum")
	c.start(0, 1, 2)
	c.settled(0, 1, 2)
	r := connectRueidis(t, c.clients[:1]).(rueidisStore).c
	ctx := t.Context()
	var sets []rueidis.Completed
	for i := range 300 {
		sets = append(sets, r.B().Set().Key(fmt.Sprintf("k%d", i)).Value(fmt.Sprint(i)).Build())
	}
	for i, reply := range r.DoMulti(ctx, sets...) {
		if err := reply.Error(); err != nil {
			t.Fatalf("set k%d: %v", i, err)
		}
	}
	keys := []string{}
	for i := range 300 {
		keys = append(keys, fmt.Sprintf("k%d", i))
	}
	got, err := rueidis.MGet(r, ctx, keys) // by slots, as the library does it
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		m := got[key]
		if s, err := m.ToString(); err != nil || s != fmt.Sprint(i) {
			t.Fatalf("%s: got %q, %v", key, s, err)
		}
	}
	err = r.Dedicated(func(d rueidis.DedicatedClient) error {
		if err := d.Do(ctx, d.B().Watch().Key("{w}a").Build()).Error(); err != nil {
			return err
		}
		replies := d.DoMulti(ctx, d.B().Multi().Build(), d.B().Incr().Key("{w}a").Build(), d.B().Incr().Key("{w}b").Build(), d.B().Exec().Build())
		list, err := replies[3].AsIntSlice()
		if err == nil && fmt.Sprint(list) != "[1 1]" {
			err = fmt.Errorf("EXEC: got %v", list)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	fields, err := r.Do(ctx, r.B().Hset().Key("h").FieldValue().FieldValue("f", "v").Build()).AsInt64()
	if err != nil || fields != 1 {
		t.Errorf("HSET: got %d, %v", fields, err)
	}
	m, err := r.Do(ctx, r.B().Hgetall().Key("h").Build()).AsStrMap()
	if err != nil || m["f"] != "v" {
		t.Errorf("HGETALL: got %v, %v", m, err)
	}
}
