// Package resp writes replies of the Redis protocol, version 2 or 3, and keeps
// what clients send within limits.
//
//	w := resp.Writer{V3: true}
//	w.Map(1)
//	w.Text("role")
//	w.Text("master")
//	conn.WriteRaw(w.Buf)
//
// Requests are parsed by redcon, which trusts the lengths that a client claims;
// [Guard] stands before it and does not.
//
// A Writer belongs to one goroutine. Nothing here checks that what is announced
// by Array, Map or Set really follows.
package resp
