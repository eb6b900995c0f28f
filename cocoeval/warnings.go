package cocoeval

import (
	"fmt"
	"slices"
	"strings"
)

// A Warning says what is odd in the input, how often, and what was made of it.
type Warning struct {
	Code     string   `json:"code"` // stable, for programs
	Count    int      `json:"count"`
	Text     string   `json:"text"`
	Examples []string `json:"examples,omitempty"` // of the first ten: ids, or places in the file
}

// String returns, for example, "2 annotations with id 0, …: 0, 7".
func (w Warning) String() string {
	s := fmt.Sprintf("%d %s", w.Count, w.Text)
	if len(w.Examples) > 0 {
		s += ": " + strings.Join(w.Examples, ", ")
	}
	if w.Count > len(w.Examples) && len(w.Examples) > 0 {
		s += ", …"
	}
	return s
}

// maxExamples is how many examples a warning keeps.
const maxExamples = 10

// warnings collects warnings by code, in the order of their first appearance.
type warnings struct{ list []Warning }

// add counts one more case of a warning. example, which names the case, is only called for the first ones.
func (w *warnings) add(code, text string, example func() string) {
	i := slices.IndexFunc(w.list, func(x Warning) bool { return x.Code == code })
	if i < 0 {
		i = len(w.list)
		w.list = append(w.list, Warning{Code: code, Text: text})
	}
	x := &w.list[i]
	x.Count++
	if x.Count <= maxExamples {
		if s := example(); !slices.Contains(x.Examples, s) {
			x.Examples = append(x.Examples, s)
		}
	}
}

// merge adds the cases of other.
func (w *warnings) merge(other *warnings) {
	for _, o := range other.list {
		i := slices.IndexFunc(w.list, func(x Warning) bool { return x.Code == o.Code })
		if i < 0 {
			w.list = append(w.list, o)
			continue
		}
		x := &w.list[i]
		x.Count += o.Count
		for _, s := range o.Examples {
			if len(x.Examples) < maxExamples && !slices.Contains(x.Examples, s) {
				x.Examples = append(x.Examples, s)
			}
		}
	}
}
