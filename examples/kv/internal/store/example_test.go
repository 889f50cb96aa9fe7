package store_test

import (
	"fmt"

	"github.com/pando-go/pando/examples/kv/internal/resp"
	"github.com/pando-go/pando/examples/kv/internal/store"
)

func Example() {
	s := store.New(1)
	var w resp.Writer
	change := s.Do(0, [][]byte{[]byte("INCR"), []byte("visits")}, &w)
	fmt.Printf("%q %s\n", w.Buf, change)
	// Output: ":1\r\n" [INCR visits]
}
