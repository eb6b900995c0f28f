package coco

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Name is an id as a file writes it. Files whose ids are all integers of 64 bits, as nearly all are, need none. In a
// file with any other id (a string, a larger number, null) all ids are indexes into a list of names.
type Name struct {
	Kind NameKind
	Text string // of a number, all its digits
}

// NameKind is the JSON type of an id. As in Python, the number 1 and the string "1" are two ids.
type NameKind uint8

const (
	StringName NameKind = iota
	NumberName
	NullName
)

// String returns the id in JSON.
func (n Name) String() string {
	if n.Kind == StringName {
		return strconv.Quote(n.Text)
	}
	return n.Text
}

// compareNames orders names as numpy does where it can: numbers by their values, strings by their bytes; numbers first.
func compareNames(a, b Name) int {
	switch {
	case a.Kind != b.Kind:
		order := [...]int{NumberName: 0, StringName: 1, NullName: 2}
		return cmp.Compare(order[a.Kind], order[b.Kind])
	case a.Kind == NumberName:
		return compareNumbers(a.Text, b.Text)
	}
	return strings.Compare(a.Text, b.Text)
}

// compareNumbers orders numbers in decimal digits, however many.
func compareNumbers(a, b string) int {
	if strings.ContainsAny(a+b, "-.e") {
		x, _, _ := big.ParseFloat(a, 10, 256, big.ToNearestEven)
		y, _, _ := big.ParseFloat(b, 10, 256, big.ToNearestEven)
		if x != nil && y != nil {
			if c := x.Cmp(y); c != 0 {
				return c
			}
		}
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// names numbers the ids of a file that are no integers of 64 bits. Several readers may use it at once.
type names struct {
	sync.Mutex
	index map[Name]int64
	list  []Name
}

// id returns the number of a name.
func (n *names) id(name Name) int64 {
	n.Lock()
	defer n.Unlock()
	if i, ok := n.index[name]; ok {
		return i
	}
	if n.index == nil {
		n.index = make(map[Name]int64)
	}
	i := int64(len(n.list))
	n.index[name] = i
	n.list = append(n.list, name)
	return i
}

// settle makes all ids of a file indexes into the list of names, ascending, which it returns; it does nothing if there is
// no name. each calls its argument with every id, and whether that is a number of n already, and stores the result.
func (n *names) settle(each func(settled func(id int64, named bool) int64)) []Name {
	if len(n.list) == 0 {
		return nil
	}
	each(func(id int64, named bool) int64 {
		if named {
			return id
		}
		return n.id(Name{NumberName, strconv.FormatInt(id, 10)})
	})
	list := slices.SortedFunc(slices.Values(n.list), compareNames)
	rank := make([]int64, len(list))
	for i, name := range list {
		rank[n.index[name]] = int64(i)
	}
	each(func(id int64, _ bool) int64 { return rank[id] })
	return list
}

// settleIDs makes all annotation ids indexes into a list of names. There the number 0, which is special, keeps the number 0.
func (a *Annotations) settleIDs(n *names) {
	if len(n.list) == 0 {
		return
	}
	all := names{}
	all.id(Name{NumberName, "0"})
	for i, id := range a.ID {
		name := Name{NumberName, strconv.FormatInt(id, 10)}
		if a.Has[i]&namedID != 0 {
			name = n.list[id]
		}
		a.ID[i] = all.id(name)
	}
	a.IDNames = all.list
}

// settled clears the flags of names, which only reading needs.
func (a *Annotations) settled() {
	if a.IDNames == nil && a.ImageNames == nil && a.CategoryNames == nil {
		return
	}
	for i := range a.Has {
		a.Has[i] &^= namedID | namedImage | namedCategory
	}
}

// id reads an id. named says that it is a number of n, not the id itself.
func (s *scanner) id(p int, n *names) (id int64, named bool, next int) {
	if id, next, ok := s.quickInt(p); ok {
		return id, false, next
	}
	switch s.at(p) {
	case '"':
		text, next := s.text(p)
		if next < 0 {
			return 0, false, bad
		}
		return n.id(Name{StringName, string(text)}), true, next
	case 'n':
		if next = s.literal(p, "null"); next >= 0 {
			return n.id(Name{NullName, "null"}), true, next
		}
	}
	x, next, ok := scanNumber(s.b, p)
	if !ok {
		return 0, false, s.wrong(p, next, "an id")
	}
	if id, ok := x.int(); ok {
		return id, false, next
	}
	name, ok := x.name(s.b[p:next])
	if !ok {
		return 0, false, s.fail(p, "%s, want an id", s.b[p:next])
	}
	if id, err := strconv.ParseInt(name.Text, 10, 64); err == nil {
		return id, false, next
	}
	return n.id(name), true, next
}

// annotationID is id for annotations, whose ids the reference takes as numbers also where they are strings of digits.
func (s *scanner) annotationID(p int, n *names) (id int64, named bool, next int) {
	if s.at(p) == '"' {
		if raw, _, next := s.rawString(p); next >= 0 {
			inner := scanner{b: raw}
			if id, q := inner.int(0); q == len(raw) {
				return id, false, next
			}
		}
	}
	return s.id(p, n)
}

// name returns the id that a number is, whose text is given: Python keeps all digits of an integer, and makes a float64 of
// whatever has a point or an exponent. ok is false for one that is too large for that.
func (x number) name(text []byte) (name Name, ok bool) {
	if strings.ContainsAny(string(text), ".eE") {
		f := x.float(text)
		if math.IsInf(f, 0) {
			return Name{}, false
		}
		if f == math.Trunc(f) {
			return Name{NumberName, big.NewFloat(f).Text('f', 0)}, true
		}
		return Name{NumberName, strconv.FormatFloat(f, 'g', -1, 64)}, true
	}
	return Name{NumberName, string(text)}, true
}

// text returns how the file writes an id.
func (n *names) text(id int64, named bool) string {
	if !named {
		return strconv.FormatInt(id, 10)
	}
	n.Lock()
	defer n.Unlock()
	return n.list[id].String()
}
