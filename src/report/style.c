/* style.c - the style sheet of the pages. No '<' or '&' in it: it stands in XML as it is. */
#include "report/style.h"

#include <stddef.h>

const char *const mlce_page_style[] = {
    /* colours: paper, ink, and c0 .. c7 for lines and bars */
    ":root{--paper:#fff;--panel:#f6f7f9;--ink:#1b1f24;--soft:#5b6470;--rule:#d9dde3;--gold:#"
    "1a7f4b;",
    "--gold-bg:#d9f2e3;--pred:#b4540a;--pred-bg:#ffe6cf;--c0:#2563c9;--c1:#c2570c;--c2:#18794e;",
    "--c3:#8a3ffc;--c4:#c11c5b;--c5:#0e7c86;--c6:#8a6d00;--c7:#5b6470;--right:37,99,201;--wrong:"
    "194,87,12}",
    "@media (prefers-color-scheme:dark){:root{--paper:#14171b;--panel:#1d2127;--ink:#e6e9ed;",
    "--soft:#a0a9b5;--rule:#353b44;--gold:#6fd6a0;--gold-bg:#173a28;--pred:#ffb070;--pred-bg:#"
    "45290f;",
    "--c0:#79a8ff;--c1:#ff9e57;--c2:#5cc98f;--c3:#c39bff;--c4:#ff7eb0;--c5:#56c7d1;--c6:#dcbf4a;",
    "--c7:#a0a9b5;--right:90,140,255;--wrong:255,140,60}}",
    "*{box-sizing:border-box}",
    "html{-webkit-text-size-adjust:100%}",
    "body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,\"Segoe "
    "UI\",Roboto,",
    "\"Noto Sans\",\"DejaVu "
    "Sans\",sans-serif;print-color-adjust:exact;-webkit-print-color-adjust:exact}",
    "main,footer{max-width:1060px;margin:0 auto;padding:0 20px}",
    "footer{color:var(--soft);font-size:13px;padding-bottom:32px}",
    "h1{font-size:26px;line-height:1.25;margin:28px 0 4px;overflow-wrap:anywhere}",
    "h2{font-size:19px;margin:40px 0 12px;padding-bottom:4px;border-bottom:1px solid var(--rule)}",
    "h3{font-size:15px;margin:24px 0 8px}",
    "p{margin:8px 0;max-width:75ch}",
    ".soft{color:var(--soft)}",
    ".note{border-left:3px solid var(--c1);background:var(--panel);padding:6px "
    "12px;overflow-wrap:anywhere}",
    /* the figures at the top */
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:"
    "18px 0;",
    "padding:0;list-style:none}",
    ".tiles li{background:var(--panel);border-radius:8px;padding:10px 14px}",
    ".tiles b{display:block;font-size:23px;line-height:1.3;font-variant-numeric:tabular-nums}",
    ".tiles span{display:block;color:var(--soft);font-size:13px}",
    /* tables */
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px}",
    "th,td{padding:4px 10px;text-align:left;vertical-align:top;border-bottom:1px solid "
    "var(--rule)}",
    "th{font-weight:600}thead th{color:var(--soft);font-size:13px;vertical-align:bottom}",
    "th.n,td.n{text-align:right;white-space:nowrap}",
    "td.name,th.name{overflow-wrap:anywhere;min-width:7em;max-width:24em}",
    ".scroll .name{overflow-wrap:break-word}",
    ".scroll .name bdi{display:inline-block;max-width:22em;overflow-wrap:break-word}",
    "tr.sum td,tr.sum th{border-top:2px solid var(--rule);font-weight:600}",
    ".scroll{overflow-x:auto;margin:0 0 12px}",
    ".columns{display:flex;flex-wrap:wrap;gap:8px 40px;align-items:flex-start}",
    ".columns>div{min-width:0;max-width:100%}",
    ".bar{display:block;height:4px;margin-top:2px;min-width:92px;background:var(--rule);border-"
    "radius:2px;overflow:hidden}",
    ".bar i{display:block;height:100%}",
    ".columns .bar{min-width:64px}td small{display:block;color:var(--soft)}",
    ".best{font-weight:700}",
    ".warn{color:var(--pred);font-weight:600}",
    /* confusion of types */
    ".matrix td,.matrix th{border:1px solid var(--rule);padding:3px 7px}",
    ".matrix thead th{vertical-align:bottom;text-align:left}",
    ".matrix thead th "
    "span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:150px;overflow:hidden;",
    "overflow-wrap:anywhere}",
    ".matrix td{text-align:right;min-width:2.6em}",
    ".matrix .zero{color:var(--rule)}",
    /* charts */
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:"
    "24px 32px}",
    "figure{margin:0;break-inside:avoid}",
    "figcaption{font-weight:600}",
    ".chart{display:block;width:100%;height:auto;max-width:640px;overflow:visible}",
    ".chart text{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}",
    ".chart .name{fill:var(--ink);font-size:12.5px}",
    ".grid line{stroke:var(--rule);stroke-width:1}",
    ".line{fill:none;stroke-width:1.8;stroke-linejoin:round}",
    ".thick{stroke-width:2.8}.dashed{stroke-dasharray:6 4}.dotted{stroke-dasharray:2 3}",
    ".mark{stroke:var(--soft);stroke-width:1.4;stroke-dasharray:3 3}",
    ".point{stroke:none}",
    ".line.c0{stroke:var(--c0)}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}.line.c3{stroke:"
    "var(--c3)}",
    ".line.c4{stroke:var(--c4)}.line.c5{stroke:var(--c5)}.line.c6{stroke:var(--c6)}.line.c7{stroke:"
    "var(--c7)}",
    ".point.c0{fill:var(--c0)}.point.c1{fill:var(--c1)}.point.c2{fill:var(--c2)}.point.c3{fill:var("
    "--c3)}",
    ".point.c4{fill:var(--c4)}.point.c5{fill:var(--c5)}.point.c6{fill:var(--c6)}.point.c7{fill:var("
    "--c7)}",
    "i.c0{background:var(--c0)}i.c1{background:var(--c1)}i.c2{background:var(--c2)}i.c3{background:"
    "var(--c3)}",
    "i.c4{background:var(--c4)}i.c5{background:var(--c5)}i.c6{background:var(--c6)}i.c7{background:"
    "var(--c7)}",
    ".legend{display:flex;flex-wrap:wrap;gap:2px 16px;list-style:none;margin:2px 0 "
    "4px;padding:0;font-size:13px;",
    "color:var(--soft);overflow-wrap:anywhere}",
    ".swatch{width:26px;height:10px}",
    /* examples */
    ".examples{list-style:none;margin:0;padding:0}",
    ".examples>li{border:1px solid var(--rule);border-radius:8px;padding:8px 12px;margin:0 0 "
    "8px;break-inside:avoid}",
    ".why{font-size:13px;color:var(--soft);margin:0 0 "
    "4px;max-width:none;overflow-wrap:anywhere}.why b{color:var(--ink)}",
    ".side{display:grid;grid-template-columns:5.6em minmax(0,1fr);align-items:baseline}",
    ".side>span{font-size:13px;color:var(--soft)}",
    ".side>p{margin:0;max-width:none;line-height:2.25;overflow-wrap:anywhere;overflow:auto hidden}",
    "mark{color:inherit;background:none;border:1px solid var(--rule);border-radius:4px;padding:1px "
    "3px;",
    "box-decoration-break:clone;-webkit-box-decoration-break:clone}",
    "mark mark{padding:0 2px}",
    "mark.gold{background:var(--gold-bg);border-color:var(--gold)}",
    "mark.pred{background:var(--pred-bg);border-color:var(--pred)}",
    "mark.more-before{border-inline-start:none;border-start-start-radius:0;border-end-start-radius:"
    "0}",
    "mark.more-behind{border-inline-end:none;border-start-end-radius:0;border-end-end-radius:0}",
    "mark "
    "small{font-size:10.5px;line-height:1;margin-inline-start:4px;color:var(--soft);vertical-align:"
    "baseline}",
    "mark.gold>small{color:var(--gold);font-weight:700}mark.pred>small{color:var(--pred);font-"
    "weight:700}",
    /* texts with underlines */
    ".marked{max-width:80ch;margin:0;white-space:pre-wrap;overflow-wrap:anywhere;",
    "line-height:calc(1.8em + var(--lanes)*5px);margin-top:calc(var(--lanes)*-2.5px);",
    "padding-bottom:calc(2px + var(--lanes)*2.5px)}",
    ".s{padding-bottom:calc(1px + var(--lane)*5px);border-bottom:3px solid}",
    ".k{font-size:11px;line-height:1;font-weight:600;margin:0 3px;white-space:nowrap;",
    "user-select:none;-webkit-user-select:none}",
    ".s.c0{border-color:var(--c0)}.s.c1{border-color:var(--c1)}.s.c2{border-color:var(--c2)}",
    ".s.c3{border-color:var(--c3)}.s.c4{border-color:var(--c4)}.s.c5{border-color:var(--c5)}",
    ".s.c6{border-color:var(--c6)}.s.c7{border-color:var(--c7)}",
    ".k.c0{color:var(--c0)}.k.c1{color:var(--c1)}.k.c2{color:var(--c2)}.k.c3{color:var(--c3)}",
    ".k.c4{color:var(--c4)}.k.c5{color:var(--c5)}.k.c6{color:var(--c6)}.k.c7{color:var(--c7)}",
    ".texts{list-style:none;margin:24px 0;padding:0}",
    ".texts>li{border-top:1px solid var(--rule);padding:8px 0 10px;content-visibility:auto;",
    "contain-intrinsic-size:auto 80px;break-inside:avoid}",
    ".legend .s{padding-bottom:1px}",
    "summary{cursor:pointer;color:var(--c0);margin:8px 0}",
    "code{font:13px ui-monospace,\"DejaVu Sans Mono\",monospace;overflow-wrap:anywhere}",
    "nav{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:14px;margin:12px 0}",
    "a{color:var(--c0);text-decoration:none}a:hover{text-decoration:underline}",
    "@media (max-width:560px){body{font-size:14px}main,footer{padding:0 12px}",
    "table{font-size:13px}th,td{padding:4px}thead th{font-size:12px}td.name,th.name{min-width:5em}",
    ".side{grid-template-columns:1fr}.side>p{line-height:2.1}.tiles{grid-template-columns:1fr 1fr}",
    ".tiles b{font-size:20px}.bar{min-width:30px}.scroll .name bdi{max-width:12em}}",
    "@media "
    "print{:root{--paper:#fff;--panel:#f6f7f9;--ink:#000;--soft:#444;--rule:#ccc;--gold:#1a7f4b;",
    "--gold-bg:#d9f2e3;--pred:#b4540a;--pred-bg:#ffe6cf;--c0:#2563c9;--c1:#c2570c;--c2:#18794e;",
    "--c3:#8a3ffc;--c4:#c11c5b;--c5:#0e7c86;--c6:#8a6d00;--c7:#5b6470;--right:37,99,201;--wrong:"
    "194,87,12}",
    "body{font-size:12px}nav,summary{display:none}main{max-width:none;padding:0}h2{break-after:"
    "avoid}",
    "h3{break-after:avoid}tr{break-inside:avoid}.charts{grid-template-columns:1fr "
    "1fr}.scroll{overflow:visible}}",
    NULL,
};
