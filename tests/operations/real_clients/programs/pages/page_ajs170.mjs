// analytics.js in a page, as its documentation shows it; only the addresses are ours.
import { AnalyticsBrowser } from 'analytics-next-170'
import { runAnalyticsJs } from './page_ajs.mjs'

globalThis.run = (told) => runAnalyticsJs(AnalyticsBrowser, told)
