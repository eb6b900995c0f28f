package box

// Leaders are the best of scores that come one after another. The zero Leaders has room for none; see Reset.
type Leaders struct {
	limit int
	ranks []Rank
	least float32
}

// Reset forgets all scores. Later, at most limit of them lead.
func (l *Leaders) Reset(limit int) {
	l.limit, l.ranks, l.least = limit, l.ranks[:0], 0
}

// Add takes a score and its index.
func (l *Leaders) Add(score float32, index int) { l.ranks = append(l.ranks, NewRank(score, index)) }

// Settle drops those that do not lead, and brings Least up to date.
func (l *Leaders) Settle() {
	l.ranks = Best(l.ranks, l.limit)
	if n := len(l.ranks); n == l.limit && n > 0 {
		l.least = l.ranks[n-1].Score()
	}
}

// Least is what a score must reach to become a leader: the score of the last leader where there are as many as there may be, else 0.
func (l *Leaders) Least() float32 { return l.least }

// Best are the leaders after Settle, the best first and of equal scores that of the lower index. It is valid until the next Add.
func (l *Leaders) Best() []Rank { return l.ranks }
