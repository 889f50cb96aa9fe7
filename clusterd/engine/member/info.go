package member

// Info is what a member tells of itself. It is immutable once published; the
// slices are sorted and free of duplicates. The zero Info is good.
type Info struct {
	Roles   []string // names under which placement may choose the member
	Zone    string   // where copies should not be together; "" = one zone
	Version string   // of the application; "" = not told
	Kinds   []string // names of the entity kinds that the member hosts
	Meta    []Pair   // sorted by key; at most 1 KiB in all
}

// Pair is one entry of [Info.Meta].
type Pair struct {
	Key   string // unique within its Info
	Value string // may be empty
}
