package weights

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// mmdetVersion tells the version of mmdetection that wrote a file, and how that is known: by the texts beside the weights, or by the names, which do not tell 2.x
// from 3.x: SpineNet was ported to 1.x and 2.x, and of the ResNets the arithmetic of 3.x has been compared with outputs.
func mmdetVersion(names System, tr *translation, c *contents) (System, string) {
	if names == MMDetection1 && !strings.Contains(tr.from["box/class/kernel"], "roi_head.") {
		return MMDetection1, "names in the file"
	}
	for _, name := range sortedKeys(c.texts) {
		version := c.texts[name]
		switch path.Base(name) {
		case "mmdet_version":
			if major, _, _ := strings.Cut(version, "."); major == "2" || major == "3" {
				return System("mmdetection" + major), fmt.Sprintf("version %.20s in the file", version)
			}
		case "mmengine_version":
			return MMDetection3, fmt.Sprintf("written by mmengine %.20s", version)
		}
	}
	if names == MMDetection1 {
		return MMDetection2, "names in the file"
	}
	return MMDetection3, "names in the file, which are those of 2.x, too"
}

// Style is that of mmdetection's configs: how the backbone was trained before.
type Style string

// The styles of mmdetection.
const (
	StylePyTorch Style = "pytorch" // RGB scaled by its deviation, a bottleneck's stride in the 3×3
	StyleCaffe   Style = "caffe"   // BGR, a bottleneck's stride in the first convolution
)

var caffeText = regexp.MustCompile(`style['"]?\s*[=:]\s*['"]caffe['"]`)

// style is what the options say, else what the config in the file or a name says, and why.
func (f *File) style(o Options) (Style, string) {
	if o.Style != "" {
		return o.Style, ""
	}
	for _, name := range sortedKeys(f.texts) {
		switch text := f.texts[name]; path.Base(name) {
		case "cfg", "config":
			if caffeText.MatchString(text) {
				return StyleCaffe, "config in the file"
			}
		case "exp_name", "experiment_name":
			if strings.Contains(strings.ToLower(text), "caffe") {
				return StyleCaffe, name + " in the file"
			}
		}
	}
	if strings.Contains(strings.ToLower(path.Base(strings.ReplaceAll(f.name, "\\", "/"))), "caffe") {
		return StyleCaffe, "name of the file"
	}
	return StylePyTorch, "default of mmdetection; nothing in the file tells it"
}
