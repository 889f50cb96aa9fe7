package sim

import (
	"strconv"
	"strings"
)

// Hosts of simulated addresses. Ports order addresses as ids order nodes, and
// alias is another spelling of the same host, as localhost is of 127.0.0.1.
const (
	host  = "sim:"
	alias = "alias:"
)

// Address returns the address of node id: "sim:3" for 3.
func Address(id int) string { return host + strconv.Itoa(id) }

// Alias returns another spelling of the address of node id: "alias:3" for 3.
func Alias(id int) string { return alias + strconv.Itoa(id) }

// idOf returns the node that an address of either spelling reaches, 0 for none.
func idOf(address string) int {
	port, ok := strings.CutPrefix(address, host)
	if !ok {
		if port, ok = strings.CutPrefix(address, alias); !ok {
			return 0
		}
	}
	return number(port)
}

// most is the largest id of a node: a typing error must not fill the memory.
const most = 20_000

// number reads the id of a node, 0 for none.
func number(text string) int {
	id, err := strconv.Atoi(text)
	if err != nil || id < 1 || id > most {
		return 0
	}
	return id
}

// name returns what people call node id: "n3" for 3.
func name(id int) string { return "n" + strconv.Itoa(id) }

// plain rewrites addresses in text as people call the nodes: sim:3 becomes n3.
func plain(text string) string { return strings.ReplaceAll(text, host, "n") }
