// Package page has what the HTML pages of the commands have in common: how they begin, their style, tables that can be sorted,
// pictures, and charts of lines. A page is one file that needs nothing else.
package page

import (
	_ "embed"
	"html/template"
)

//go:embed page.css
var style string

//go:embed parts.html
var parts string

// A Fact is a value with its name.
type Fact struct{ Name, Value string }

// New makes the template of a page. It may use the parts
//
//	{{template "head" "a title"}}   everything before the page's own style and its first heading, with the style sheet: facts
//	                                (.facts), charts (.charts), a grid of pictures (.gallery), tables, lists of terms (dl)
//	{{template "facts" .}}          a list of Facts in large letters
//	{{template "list" .}}           a list of Facts as terms
//	{{template "sort"}}             the script that sorts tables of the class sorted
func New(name, text string) *template.Template {
	t := template.New(name).Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(style) }})
	return template.Must(template.Must(t.Parse(parts)).Parse(text))
}
