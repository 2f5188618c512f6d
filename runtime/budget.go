package runtime

// budget is the memory of one call, in bytes: the guest's linear memory and
// what the host holds for the guest outside of it, held to one limit together.
type budget struct {
	limit    int64
	linear   int64
	outside  int64
	exceeded bool // something was refused for the limit
}

// admit lets the linear memory have size bytes, or refuses.
func (b *budget) admit(size int64) bool {
	if size > b.limit-b.outside {
		b.exceeded = true
		return false
	}
	b.linear = size
	return true
}

// take counts n bytes held for the guest outside its linear memory, and refuses
// those beyond the limit.
func (b *budget) take(n int64) bool {
	if n > b.limit-b.outside-b.linear {
		b.exceeded = true
		return false
	}
	b.outside += n
	return true
}

// give counts n bytes back that take took.
func (b *budget) give(n int64) { b.outside -= n }
