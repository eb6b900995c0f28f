package cocoeval

import "slices"

// An idSet is a set of ids, for finding duplicates: open addressing, several times as fast as a map.
type idSet struct {
	slots []int64 // 0: free
	zero  bool    // whether 0 is in the set
	shift uint
}

// newIDSet makes room for n ids.
func newIDSet(n int) *idSet {
	s := &idSet{shift: 64 - 4}
	for 1<<(64-s.shift) < 2*n {
		s.shift--
	}
	s.slots = make([]int64, 1<<(64-s.shift))
	return s
}

// add adds an id; it reports whether it was not there before.
func (s *idSet) add(id int64) bool {
	if id == 0 {
		fresh := !s.zero
		s.zero = true
		return fresh
	}
	const golden = 0x9e3779b97f4a7c15 // Fibonacci hashing: 2^64 over the golden ratio
	for i := uint64(id) * golden >> s.shift; ; i = (i + 1) & uint64(len(s.slots)-1) {
		switch s.slots[i] {
		case id:
			return false
		case 0:
			s.slots[i] = id
			return true
		}
	}
}

// An idTable finds the index of an id in a list: by a table where the ids are small, else by a map.
type idTable struct {
	dense []int32 // by id: the index, or -1
	index map[int64]int32
}

// newIDTable makes the table of a list of different ids.
func newIDTable(ids []int64) idTable {
	if len(ids) == 0 {
		return idTable{}
	}
	if low, high := slices.Min(ids), slices.Max(ids); low >= 0 && high < int64(256*len(ids)+1024) {
		dense := make([]int32, high+1)
		for i := range dense {
			dense[i] = -1
		}
		for i, id := range ids {
			dense[id] = int32(i)
		}
		return idTable{dense: dense}
	}
	t := idTable{index: make(map[int64]int32, len(ids))}
	for i, id := range ids {
		t.index[id] = int32(i)
	}
	return t
}

// of returns the index of an id, or -1.
func (t *idTable) of(id int64) int32 {
	if uint64(id) < uint64(len(t.dense)) {
		return t.dense[id]
	}
	if i, ok := t.index[id]; ok {
		return i
	}
	return -1
}
