package dataset

import "fmt"

// A Severity says what a problem means for a training.
type Severity int

// Errors stop a training before it begins; with a warning it goes on.
const (
	Warning Severity = iota
	Error
)

// A Problem is something that is wrong with a data set.
type Problem struct {
	Code     string // of its kind: "file-missing"
	Place    string // the file, and the place in it
	Message  string
	Severity Severity
}

// String is "gt.json: annotations[5] (id 6): the box has a width of -3 [box-inverted]".
func (p Problem) String() string { return fmt.Sprintf("%s: %s [%s]", p.Place, p.Message, p.Code) }

// fault notes an error.
func (s *Set) fault(code, place, format string, args ...any) {
	s.Problems = append(s.Problems, Problem{code, place, fmt.Sprintf(format, args...), Error})
}

// warn notes a warning.
func (s *Set) warn(code, place, format string, args ...any) {
	s.Problems = append(s.Problems, Problem{code, place, fmt.Sprintf(format, args...), Warning})
}

// within is a place in a file.
func within(file, place string) string {
	if place == "" {
		return file
	}
	return file + ": " + place
}
