package train

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// roles translate the names of the fixture into ours.
var roles = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`^backbone\.stem\.conv0$`), "backbone/stem/conv"},
	{regexp.MustCompile(`^backbone\.stem\.bn0$`), "backbone/stem/conv/norm"},
	{regexp.MustCompile(`^backbone\.stem_group\.(\d+)\.(\d+)\.(.*)$`), "backbone/stem/group$1/unit$2/$3"},
	{regexp.MustCompile(`^backbone\.block\.(\d+)\.group\.(\d+)\.(.*)$`), "backbone/block$1/unit$2/$3"},
	{regexp.MustCompile(`^backbone\.block\.(\d+)\.resample\.(\d+)\.conv(\d)$`), "backbone/block$1/resample$2/conv$3"},
	{regexp.MustCompile(`^backbone\.block\.(\d+)\.resample\.(\d+)\.bn(\d)$`), "backbone/block$1/resample$2/conv$3/norm"},
	{regexp.MustCompile(`^backbone\.endpoint\.(\d+)\.conv0$`), "backbone/endpoint$1"},
	{regexp.MustCompile(`^backbone\.endpoint\.(\d+)\.bn0$`), "backbone/endpoint$1/norm"},
	{regexp.MustCompile(`^box_head\.(conv|fc)\.(\d)$`), "box/$1$2"},
	{regexp.MustCompile(`^box_head\.(conv|fc)_norm\.(\d)$`), "box/$1$2/norm"},
	{regexp.MustCompile(`^box_head\.class$`), "box/class"},
	{regexp.MustCompile(`^box_head\.box$`), "box/deltas"},
	{regexp.MustCompile(`^mask_head\.conv\.(\d)$`), "mask/conv$1"},
	{regexp.MustCompile(`^mask_head\.conv_norm\.(\d)$`), "mask/conv$1/norm"},
	{regexp.MustCompile(`^mask_head\.deconv$`), "mask/deconv"},
	{regexp.MustCompile(`^mask_head\.deconv_norm$`), "mask/deconv/norm"},
	{regexp.MustCompile(`^mask_head\.mask$`), "mask/logits"},
	{regexp.MustCompile(`^rpn_head\.conv\.(\d)$`), "rpn/conv$1"},
	{regexp.MustCompile(`^rpn_head\.norm\.P(\d)\.(\d)$`), "rpn/conv$2/norm$1"},
	{regexp.MustCompile(`^rpn_head\.score$`), "rpn/objectness"},
	{regexp.MustCompile(`^rpn_head\.box$`), "rpn/deltas"},
	{regexp.MustCompile(`^head\.(class|box)_conv\.(\d)$`), "retina/$1/conv$2"},
	{regexp.MustCompile(`^head\.(class|box)_norm\.P(\d)\.(\d)$`), "retina/$1/conv$3/norm$2"},
	{regexp.MustCompile(`^head\.(class|box)_predict$`), "retina/$1/predict"},
	{regexp.MustCompile(`^cls_head\.dense$`), "classifier"},
}

var oneDigitBlock = regexp.MustCompile(`/block(\d)/`)
var unitLayer = regexp.MustCompile(`/(conv|norm)(\d)$`)

// ours is our name of a variable of the fixture.
func ours(t *testing.T, role string) string {
	layer, leaf, _ := strings.Cut(role, "/")
	leaf = strings.TrimPrefix(leaf, "moving_")
	for _, r := range roles {
		if !r.from.MatchString(layer) {
			continue
		}
		name := oneDigitBlock.ReplaceAllString(r.from.ReplaceAllString(layer, r.to), "/block0$1/")
		if strings.Contains(name, "/unit") { // layers count from 1, the shortcut's norm is 0
			if m := unitLayer.FindStringSubmatch(name); m != nil {
				stem := strings.TrimSuffix(name, m[0])
				switch n := int(m[2][0] - '0'); {
				case m[1] == "norm" && n == 0:
					name = stem + "/shortcut/norm"
				case m[1] == "norm":
					name = fmt.Sprintf("%s/conv%d/norm", stem, n-1)
				default:
					name = fmt.Sprintf("%s/conv%d", stem, n-1)
				}
			}
		}
		return name + "/" + leaf
	}
	t.Fatalf("role %s", role)
	return ""
}
