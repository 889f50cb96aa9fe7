package member

import "encoding/hex"

// ClusterID names one founding of a cluster: 48 bits of milliseconds since
// 1970 of the founder's clock, then 80 random bits, so that IDs are ordered by
// time. The zero ClusterID means "no cluster".
type ClusterID [16]byte

// String returns 32 lower-case hexadecimal digits, "" for the zero ID.
func (c ClusterID) String() string {
	if c == (ClusterID{}) {
		return ""
	}
	return hex.EncodeToString(c[:])
}

// Identity tells clusters apart: the founding and, after an operator's forced
// recovery without a quorum, the branch. Foreign identities never merge.
type Identity struct {
	Cluster ClusterID
	Branch  uint64 // 0 until a forced recovery
}

// IsZero reports whether the identity names no cluster.
func (i Identity) IsZero() bool { return i.Cluster == ClusterID{} }
