package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// This file is CLUSTER: what it prints comes from the table, which comes from
// where slots really are.

func (c *client) cluster(args [][]byte) {
	n := len(args)
	switch name := sub(args); {
	case name == "slots" && n == 2:
		c.clusterSlots()
	case name == "shards" && n == 2:
		c.clusterShards()
	case name == "nodes" && n == 2:
		c.w.Verbatim(clusterNodes(c.srv.backend.table()))
	case name == "info" && n == 2:
		c.w.Verbatim(c.clusterInfo())
	case name == "myid" && n == 2:
		c.w.Text(c.srv.id)
	case name == "keyslot" && n == 3:
		c.w.Int(int64(slotOfKey(args[2])))
	case name == "countkeysinslot" && n == 3:
		c.countKeysInSlot(args[2])
	case name == "getkeysinslot" && n == 4:
		c.getKeysInSlot(args[2], args[3])
	case (name == "replicas" || name == "slaves") && n == 3:
		c.clusterReplicas(string(args[2]))
	case name == "meet" && (n == 4 || n == 5):
		c.clusterMeet(string(args[2]), string(args[3]))
	case name == "forget" && n == 3:
		c.clusterForget(string(args[2]))
	case name == "failover" && (n == 2 || n == 3):
		c.clusterFailover()
	case name == "count-failure-reports" && n == 3:
		c.w.Int(0)
	case name == "links" && n == 2:
		c.w.Array(0)
	case byItself(name) != "":
		c.w.Error("ERR CLUSTER " + strings.ToUpper(name) + " is not served: " + byItself(name))
	default:
		c.badSub(args)
	}
}

// byItself tells what this cluster does by itself in place of what operators do
// elsewhere, "" for other subcommands. redis-cli --cluster shows it.
func byItself(name string) string {
	switch name {
	case "addslots", "addslotsrange", "delslots", "delslotsrange", "setslot", "flushslots":
		return "slots are spread evenly by themselves, to a node that joins and away from one that is stopped"
	case "replicate":
		return "replicas are placed by themselves; -replicas says how many"
	case "reset":
		return "stop the node with SIGTERM: it hands over its slots and leaves"
	case "bumpepoch", "set-config-epoch", "saveconfig":
		return "epochs and the table are kept by themselves"
	}
	return ""
}

func (c *client) clusterSlots() {
	t := c.srv.backend.table()
	c.w.Array(len(t.ranges))
	for _, r := range t.ranges {
		c.w.Array(3 + len(r.replicas))
		c.w.Int(int64(r.first))
		c.w.Int(int64(r.last))
		c.endpoint(r.primary)
		for _, p := range r.replicas {
			c.endpoint(p)
		}
	}
}

func (c *client) endpoint(p *place) {
	c.w.Array(4)
	c.w.Text(p.host)
	c.w.Int(int64(p.port))
	c.w.Text(p.id)
	c.w.Map(0)
}

// clusterShards groups the ranges that the same nodes keep.
func (c *client) clusterShards() {
	var shards [][]slotRange
	for _, r := range c.srv.backend.table().ranges {
		i := slices.IndexFunc(shards, func(s []slotRange) bool {
			return s[0].primary == r.primary && slices.Equal(s[0].replicas, r.replicas)
		})
		if i < 0 {
			shards = append(shards, nil)
			i = len(shards) - 1
		}
		shards[i] = append(shards[i], r)
	}
	c.w.Array(len(shards))
	for _, shard := range shards {
		c.w.Map(2)
		c.w.Text("slots")
		c.w.Array(2 * len(shard))
		for _, r := range shard {
			c.w.Int(int64(r.first))
			c.w.Int(int64(r.last))
		}
		c.w.Text("nodes")
		c.w.Array(1 + len(shard[0].replicas))
		c.shardNode(shard[0].primary, "master")
		for _, p := range shard[0].replicas {
			c.shardNode(p, "replica")
		}
	}
}

func (c *client) shardNode(p *place, role string) {
	health := "online"
	if p.lost || p.status == member.Down {
		health = "fail"
	}
	c.w.Map(7)
	for _, pair := range [][2]string{{"id", p.id}, {"port", ""}, {"ip", p.host}, {"endpoint", p.host}, {"role", role}, {"replication-offset", ""}, {"health", health}} {
		c.w.Text(pair[0])
		switch pair[0] {
		case "port":
			c.w.Int(int64(p.port))
		case "replication-offset":
			c.w.Int(0)
		default:
			c.w.Text(pair[1])
		}
	}
}

// clusterNodes is one line for each node. The times of pings are 0: the
// membership watches the links, and what it found is in the flags.
func clusterNodes(t *table) string {
	var b strings.Builder
	for _, p := range t.places {
		link := "connected"
		if p.lost {
			link = "disconnected"
		}
		fmt.Fprintf(&b, "%s %s@%d %s - 0 0 %d %s", p.id, p.client(), p.bus, p.flags(), p.epoch, link)
		for _, s := range p.spans {
			if s.first == s.last {
				fmt.Fprintf(&b, " %d", s.first)
			} else {
				fmt.Fprintf(&b, " %d-%d", s.first, s.last)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// clusterInfo is the state of the cluster as this node sees it.
func (c *client) clusterInfo() string {
	t := c.srv.backend.table()
	state, mine := "ok", uint64(0)
	if !c.srv.backend.serving() || t.covered < slots.Count {
		state = "fail"
	}
	if t.self != nil {
		mine = t.self.epoch
	}
	pfail, fail := 0, 0
	for _, p := range t.places {
		switch {
		case p.status == member.Down:
			fail += p.slots()
		case p.lost:
			pfail += p.slots()
		}
	}
	return lines(
		"cluster_state", state,
		"cluster_slots_assigned", t.covered,
		"cluster_slots_ok", t.covered-pfail-fail,
		"cluster_slots_pfail", pfail,
		"cluster_slots_fail", fail,
		"cluster_known_nodes", max(len(t.places), 1),
		"cluster_size", len(t.primaries()),
		"cluster_current_epoch", t.view,
		"cluster_my_epoch", mine,
		"cluster_stats_messages_sent", 0,
		"cluster_stats_messages_received", 0,
		"total_cluster_links_buffer_limit_exceeded", 0,
	)
}

// lines writes key:value lines.
func lines(pairs ...any) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%v:%v\r\n", pairs[i], pairs[i+1])
	}
	return b.String()
}

// slotWord reads the number of a slot, or writes an error.
func (c *client) slotWord(word []byte) (uint16, bool) {
	n, err := strconv.Atoi(string(word))
	if err != nil || n < 0 || n >= slots.Count {
		c.w.Error("ERR Invalid or out of range slot")
		return 0, false
	}
	return uint16(n), true
}

func (c *client) countKeysInSlot(word []byte) {
	if slot, ok := c.slotWord(word); ok {
		c.w.Int(c.keysIn(slot))
	}
}

// keysIn is the number of keys of a slot on this node.
func (c *client) keysIn(slot uint16) int64 {
	list := c.srv.backend.filled()
	if i, ok := slices.BinarySearchFunc(list, slot, func(f filled, s uint16) int { return cmp.Compare(f.slot, s) }); ok {
		return list[i].keys
	}
	return 0
}

func (c *client) getKeysInSlot(word, count []byte) {
	slot, ok := c.slotWord(word)
	if !ok {
		return
	}
	n, err := strconv.Atoi(string(count))
	if err != nil || n < 0 {
		c.w.Error("ERR Invalid number of keys")
		return
	}
	if n == 0 || c.keysIn(slot) == 0 {
		c.w.Array(0)
		return
	}
	reply, fault := c.askSlot(slot, "@scan", "0", "COUNT", strconv.Itoa(n))
	if fault != "" {
		c.w.Error(fault)
		return
	}
	if list := bulks(reply); len(list) > 0 {
		c.writeKeys(list[1:])
		return
	}
	c.w.Array(0)
}

// clusterReplicas lists the nodes that keep a copy of some slots of a node.
func (c *client) clusterReplicas(id string) {
	t := c.srv.backend.table()
	p := t.byID(id)
	if p == nil {
		c.w.Error("ERR Unknown node " + id)
		return
	}
	var list []*place
	for _, r := range t.ranges {
		for _, replica := range r.replicas {
			if r.primary == p && !slices.Contains(list, replica) {
				list = append(list, replica)
			}
		}
	}
	c.w.Array(len(list))
	for _, r := range list {
		c.w.Text(strings.TrimSuffix(clusterNodes(&table{places: []*place{r}}), "\n"))
	}
}

// clusterFailover is a planned one: nothing is lost or done twice.
func (c *client) clusterFailover() {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	switch n, err := c.srv.backend.failover(ctx); {
	case err != nil:
		c.w.Error("ERR " + err.Error())
	case n == 0:
		c.w.Error("ERR You should send CLUSTER FAILOVER to a replica")
	default:
		c.w.OK()
	}
}

// clusterMeet says whether a node is there: nodes join by themselves, through
// the seeds that they were started with.
func (c *client) clusterMeet(host, port string) {
	for _, p := range c.srv.backend.table().places {
		if p.host == host && strconv.Itoa(p.port) == port {
			c.w.OK()
			return
		}
	}
	c.w.Error("ERR nodes join by themselves: start that one with this cluster's -seeds")
}

// downTime bounds how long CLUSTER FORGET waits for this node to take it up.
const downTime = 2 * time.Second

// clusterForget takes a node out of the cluster.
func (c *client) clusterForget(id string) {
	p := c.srv.backend.table().byID(id)
	switch {
	case p == nil:
		c.w.Error("ERR Unknown node " + id)
	case p.self:
		c.w.Error("ERR I tried hard but I can't forget myself...")
	default:
		ctx, cancel := context.WithTimeout(context.Background(), downTime)
		defer cancel()
		if err := c.srv.down(ctx, p.address); err != nil {
			c.w.Error("ERR " + err.Error())
			return
		}
		c.w.OK()
	}
}
