// Package trainreport writes the page about a training: curves, the AP of each class,
// the images with most mistakes, and how the model was made.
package trainreport

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/spinemask/spinemask/internal/core/page"
)

//go:embed report.html
var text string

var pageTemplate = page.New("training", text)

// A Report is what the page shows.
type Report struct {
	Name     string      // of the model
	Facts    []page.Fact // in large letters
	Measured string      // on which images, in a sentence
	Charts   []page.Chart
	Classes  []page.Fact // the AP of each
	Pairs    []Pair
	Made     []page.Fact
	Recipe   string // JSON
}

// A Pair is an image with what is marked in it, and with what the model finds.
type Pair struct {
	Name                  string
	Objects, Right, Wrong int
	Truth, Found          template.URL
}

// Write writes the page.
func (r *Report) Write(w io.Writer) error {
	return pageTemplate.Execute(w, r)
}
