// Package page has what the HTML pages of the commands have in common: their style, and
// charts of lines. A page is one file that needs nothing else.
package page

import (
	_ "embed"
	"html/template"
)

//go:embed page.css
var style string

// Style is the style sheet of a page: facts (.facts), charts (.charts), a grid of
// pictures (.gallery), tables, lists of terms (dl).
func Style() template.CSS { return template.CSS(style) }
