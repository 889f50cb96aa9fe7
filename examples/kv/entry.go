package main

import (
	"cmp"
	"slices"

	"github.com/pando-go/pando/examples/kv/internal/resp"
	"github.com/pando-go/pando/examples/kv/internal/store"
)

// entry is what COMMAND tells of one command. Client libraries route by it.
type entry struct {
	name              string
	arity             int
	flags             []string
	first, last, step int
}

// entries lists every command that is served, by name.
func entries() (list []entry) {
	for _, c := range store.Commands() {
		list = append(list, entry{c.Name, c.Arity, c.Flags.Names(), c.First, c.Last, c.Step})
	}
	for _, v := range verbs() {
		e := entry{name: v.name, arity: v.arity, flags: v.words}
		if v.name == "watch" {
			e.first, e.last, e.step = 1, -1, 1
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return list
}

// write writes the ten elements of version 7.0; the last four say nothing.
func (e entry) write(w *resp.Writer) {
	w.Array(10)
	w.Text(e.name)
	w.Int(int64(e.arity))
	w.Set(len(e.flags))
	for _, f := range e.flags {
		w.Status(f)
	}
	w.Int(int64(e.first))
	w.Int(int64(e.last))
	w.Int(int64(e.step))
	w.Set(0)
	w.Array(0)
	w.Array(0)
	w.Array(0)
}

// commandKeys is COMMAND GETKEYS.
func (c *client) commandKeys(args [][]byte) {
	if len(args) == 0 {
		c.w.Error("ERR Unknown subcommand or wrong number of arguments for 'getkeys'. Try COMMAND HELP.")
		return
	}
	cmd := store.Lookup(args[0])
	switch {
	case cmd == nil || cmd.Flags&store.Internal != 0:
		c.w.Error("ERR Invalid command specified")
		return
	case !cmd.Takes(len(args)):
		c.w.Error("ERR Invalid number of arguments specified for command")
		return
	}
	keys := cmd.Keys(nil, args)
	c.w.Array(len(keys))
	for _, key := range keys {
		c.w.Bulk(key)
	}
}
