// Package trainreport writes the page about a training: curves, the AP of each class,
// the images with most mistakes, and how the model was made.
package trainreport

import (
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"

	"github.com/spinemask/spinemask/internal/core/page"
)

//go:embed report.html
var text string

var pageTemplate = template.Must(template.New("training").Parse(text))

// A Report is what the page shows.
type Report struct {
	Name     string // of the model
	Facts    []Fact // in large letters
	Measured string // on which images, in a sentence
	Charts   []page.Chart
	Classes  []Fact // the AP of each
	Pairs    []Pair
	Made     []Fact
	Recipe   string // JSON
}

// A Fact is a value with its name.
type Fact struct{ Name, Value string }

// A Pair is an image with what is marked in it, and with what the model finds.
type Pair struct {
	Name                  string
	Objects, Right, Wrong int
	Truth, Found          template.URL
}

// JPEG makes a picture a part of the page.
func JPEG(data []byte) template.URL {
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(data))
}

// Write writes the page.
func (r *Report) Write(w io.Writer) error {
	return pageTemplate.Execute(w, struct {
		*Report
		Style template.CSS
	}{r, page.Style()})
}
