package store_test

import (
	"testing"

	"github.com/pando-go/pando/clusterd/sharding/store"
	"github.com/pando-go/pando/clusterd/sharding/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) (store.Store, func() store.Store) {
		m := new(store.Memory)
		return m, func() store.Store { return m }
	})
}

func TestMemoryCrash(t *testing.T) {
	m := new(store.Memory)
	put := func(k, v string, sync bool) {
		if err := m.Apply([]store.Op{store.Put([]byte(k), []byte(v))}, sync); err != nil {
			t.Fatal(err)
		}
	}
	put("a", "1", true)
	put("a", "2", false)
	put("b", "3", false)
	m.Crash()
	got := ""
	_ = m.Range(nil, nil, func(k, v []byte) error { got += string(k) + "=" + string(v); return nil })
	if want := "a=1"; got != want || m.Size() != 2 {
		t.Errorf("got %q of %d bytes, want %q", got, m.Size(), want)
	}
}
