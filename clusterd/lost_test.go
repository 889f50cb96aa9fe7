package clusterd

import "testing"

// Two of three restart at once. The third asks who is there now, over the
// transport of the product, ends that life, and all form a cluster anew.
func TestLostClusterIsGivenUp(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		c.sees(nodes[2], "a:1", "b:1", "c:1")
		lost, former := nodes[2].View().ClusterID, nodes[2].self()
		c.crash(nodes[0], nodes[1])
		a, b := c.start(c.config("a:1")), c.start(c.config("b:1"))
		c.ready(a)
		c.ready(b)
		c.rejoins(nodes[2], former)
		c.sees(nodes[2], "a:1", "b:1", "c:1")
		if nodes[2].View().ClusterID == lost {
			t.Error("got the ID of the lost cluster")
		}
	})
}

// c is cut off while the others remove it, and before the heal each of them
// restarts: c is told over connections that are not for it.
func TestRemovedWhileCutOff(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1", "d:1")
		c.sees(nodes[2], "a:1", "b:1", "c:1", "d:1")
		former := nodes[2].self()
		others := []string{"a:1", "b:1", "d:1"}
		for _, o := range others {
			c.net.Cut("c:1", o)
		}
		c.sees(nodes[0], others...)
		for i, n := range []*Node{nodes[0], nodes[1], nodes[3]} {
			c.crash(n)
			again := c.start(c.config(others[i]))
			c.ready(again)
			c.sees(again, others...)
		}
		for _, o := range others {
			c.net.Heal("c:1", o)
		}
		c.rejoins(nodes[2], former)
		c.sees(nodes[2], "a:1", "b:1", "c:1", "d:1")
	})
}
