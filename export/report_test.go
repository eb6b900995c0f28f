package export

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// reportOfThree is about ringMask, and barMask and a pixel within it, of two classes.
func reportOfThree(t *testing.T) string {
	var b bytes.Buffer
	r := NewReport(&b, Info{Model: "m", MinScore: 0.3}, twoCategories)
	p := twoInstances()
	p.Instances = append(p.Instances, Instance{Category: 1, Name: "bar", Score: 0.4, Mask: drawn("........", ".#......", "........", "........", "........", "........")})
	require.NoError(t, p.MakeThumbnail())
	require.NoError(t, r.Add(p))
	require.NoError(t, r.Add(&Picture{Image: Image{ID: 6, FileName: "empty.png", Width: 10, Height: 10}}))
	require.NoError(t, r.Close())
	return b.String()
}

// A row has what the page counts anew: class, score, area, and the pixels that no better instance has, of all and of the same class.
func TestReportHasWhatItCounts(t *testing.T) {
	page := reportOfThree(t)
	require.Contains(t, page, `<tr data-id="5" data-i="1,0.9,18,18,18;0,0.5,6,2,6;0,0.4,1,0,0">`)
	require.Contains(t, page, `<tr data-id="6" data-i="">`)
	require.NotContains(t, page, "ZgotmplZ")
}

// The page's own script, in a browser if there is one.
func TestReportCountsWhatItShows(t *testing.T) {
	out := testutil.Probe(t, reportOfThree(t), `
const after = change => {
  change();
  $("score").dispatchEvent(new Event("input"));
  const row = [...all("#table tbody tr")[0].cells].slice(4).map(c => c.textContent).join(" ");
  const charts = ["scores", "diameters"].map(id => [...all("#" + id + " title")].reduce((n, t) => n + +t.textContent.split(": ")[1], 0));
  return [$("images").textContent, $("instances").textContent, [...all(".count")].map(e => e.textContent).join(" "), row, charts.join(" "), all("figcaption span")[2].textContent].join(", ");
};
out = [after(() => {}), after(() => $("score").value = 0.45), after(() => all(".class")[1].click()), after(() => $("search").value = "empty")].join("; ");`)
	require.Equal(t, []string{
		"2, 3, 2 1, 3 0.600 2.8 41.7, 3 3, · 3", // 20 of 48 pixels
		"2, 2, 1 1, 2 0.700 4.8 41.7, 2 2, · 2", // without the pixel
		"2, 1, 1 0, 1 0.500 2.8 12.5, 1 1, · 1", // without the ring
		"1, 0, 0 0, 1 0.500 2.8 12.5, 0 0, · 1", // only the other image
	}, strings.Split(out, "; "))
}
