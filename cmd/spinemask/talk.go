package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/spinemask/spinemask/internal/command/progress"
	"github.com/spinemask/spinemask/weights"
)

// talk speaks to people, around the progress bar.
type talk struct {
	w       io.Writer
	bar     *progress.Bar // nil: none is shown
	quiet   bool          // only errors
	verbose bool          // details
}

func (t *talk) say(format string, args ...any) {
	if !t.quiet {
		t.line(format, args...)
	}
}

// detail is for those who want to know more.
func (t *talk) detail(format string, args ...any) {
	if t.verbose {
		t.line(format, args...)
	}
}

func (t *talk) line(format string, args ...any) {
	t.bar.Clear()
	fmt.Fprintf(t.w, "spinemask: "+format+"\n", args...)
}

func (t *talk) error(err error) {
	const red, cyan = "31", "36"
	t.line("%s %v", t.colour(red, "error:"), err)
	if h := (hinted{}); errors.As(err, &h) {
		t.line("%s %s", t.colour(cyan, "hint:"), h.hint)
	} else if f := (*weights.FormatError)(nil); errors.As(err, &f) {
		t.line("%s %s", t.colour(cyan, "hint:"), f.Advice)
	}
}

// colour paints a word on terminals, unless the environment variable NO_COLOR is set (no-color.org).
func (t *talk) colour(code, word string) string {
	if os.Getenv("NO_COLOR") != "" || !isTerminal(t.w) {
		return word
	}
	return "\x1b[" + code + "m" + word + "\x1b[0m"
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// showProgress shows a bar if a person is watching, and a line now and then where a log is kept.
func (t *talk) showProgress(unit string, total int) {
	if t.quiet {
		return
	}
	if !isTerminal(t.w) {
		t.bar = progress.NewLog(t.w, "spinemask: ", unit, total)
		return
	}
	f := t.w.(*os.File)
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width == 0 {
		width = 80
	}
	t.bar = progress.New(f, unit, total, width)
	t.bar.Add(0)
}
