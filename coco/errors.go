package coco

import (
	"strconv"
	"strings"
)

// An Error says where in which file a value is not what it should be.
type Error struct {
	File   string // as it was named when it was opened
	Offset int64  // byte offset in the unpacked file
	Array  string // "annotations", "images", …; "" outside of them, "results" for a results file
	Index  int    // of the entry in Array
	ID     string // the entry's id, "" where it has none or it was not read yet
	Field  string // the entry's field, "" if the error is not in one
	Msg    string

	Kind string // the kind of file that it is instead, such as "a labelme file"; "" if that is not known
	Hint string // what to do about it, "" where that is not known
}

// missing is the message about a field that an entry does not have.
const missing = "missing"

// Error returns, for example,
// "coco: gt.json: byte 1234: annotations[7] (id 42): bbox: 3 numbers, want 4", or "coco: a.json: is a labelme file".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("coco: ")
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	if e.Kind != "" {
		b.WriteString("is " + e.Kind)
		return b.String()
	}
	b.WriteString("byte " + strconv.FormatInt(e.Offset, 10) + ": ")
	if e.Array != "" {
		b.WriteString(e.Array + "[" + strconv.Itoa(e.Index) + "]")
		if e.ID != "" {
			b.WriteString(" (id " + e.ID + ")")
		}
		b.WriteString(": ")
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}
