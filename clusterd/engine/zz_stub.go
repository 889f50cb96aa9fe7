package engine

func Lan() Timing                          { panic("todo") }
func (MemberChanged) String() string       { return "" }
func (MemberChanged) event()               {}
func (ReachabilityChanged) String() string { return "" }
func (ReachabilityChanged) event()         {}
func (LeaderChanged) String() string       { return "" }
func (LeaderChanged) event()               {}
func (ViewActive) String() string          { return "" }
func (ViewActive) event()                  {}
func (SelfRemoved) String() string         { return "" }
func (SelfRemoved) event()                 {}
func (Snapshot) String() string            { return "" }
func (Snapshot) event()                    {}
