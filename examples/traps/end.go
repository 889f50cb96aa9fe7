package main

import "slices"

// end is how a trap can end well.
type end string

const (
	oneCluster end = "one cluster"
	islands    end = "islands told"
)

// together reports whether these nodes are one cluster: each of them says so of
// just the incarnations that run.
func (c *crew) together(nodes ...int) bool {
	var selves []string
	for _, i := range nodes {
		selves = append(selves, c.last[i].Self)
	}
	slices.Sort(selves)
	for _, i := range nodes {
		w := &c.last[i]
		if w.Cluster == "" || w.Cluster != c.last[nodes[0]].Cluster || !w.Converged || w.Others > 0 || !slices.Equal(w.Up, selves) {
			return false
		}
	}
	return true
}

// running returns the nodes that run.
func (c *crew) running() (nodes []int) {
	for i, p := range c.procs {
		if p != nil {
			nodes = append(nodes, i)
		}
	}
	return nodes
}

// ended returns how the trap has ended, "" if it has not.
func (c *crew) ended() end {
	nodes := c.running()
	switch {
	case c.together(nodes...):
		return oneCluster
	case c.setups[0].ReportIslands && c.apart(nodes):
		return islands
	}
	return ""
}

// apart reports whether the nodes are two clusters that know of each other: on
// both sides somebody has told both sizes.
func (c *crew) apart(nodes []int) bool {
	groups := map[string][]int{}
	for _, i := range nodes {
		groups[c.last[i].Cluster] = append(groups[c.last[i].Cluster], i)
	}
	if len(groups) != 2 {
		return false
	}
	for _, group := range groups { // order: all must be so
		want := sides{Own: len(group), Other: len(nodes) - len(group)}
		knows := func(i int) bool { return c.told[i] != nil && *c.told[i] == want }
		if !c.together(group...) || !slices.ContainsFunc(group, knows) {
			return false
		}
	}
	return true
}
