/** Where anybody gets an address: whose domain that is says nothing about who writes from it. */
const freeMail = new Set(
  `gmail.com googlemail.com outlook.com outlook.de hotmail.com hotmail.co.uk hotmail.fr hotmail.de hotmail.it live.com msn.com yahoo.com
  yahoo.co.uk yahoo.co.jp yahoo.co.in yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.com.br ymail.com rocketmail.com aol.com icloud.com me.com
  mac.com proton.me protonmail.com pm.me gmx.com gmx.de gmx.net gmx.at gmx.ch web.de t-online.de freenet.de mail.com email.com mail.ru
  yandex.ru yandex.com bk.ru inbox.ru list.ru qq.com 163.com 126.com sina.com foxmail.com naver.com daum.net hanmail.net rediffmail.com
  zoho.com fastmail.com fastmail.fm hey.com tutanota.com tuta.io tuta.com mailbox.org posteo.de orange.fr wanadoo.fr free.fr sfr.fr
  laposte.net libero.it virgilio.it tiscali.it alice.it terra.com.br uol.com.br bol.com.br comcast.net verizon.net att.net sbcglobal.net
  cox.net charter.net bellsouth.net btinternet.com sky.com virginmedia.com ntlworld.com bigpond.com optusnet.com.au shaw.ca rogers.com
  seznam.cz wp.pl o2.pl onet.pl interia.pl abv.bg ukr.net mailinator.com guerrillamail.com 10minutemail.com yopmail.com tempmail.com
  trashmail.com sharklasers.com getnada.com`.split(/\s+/),
)

/** The second level where registrations begin on the third: `co.uk` is nobody's, `acme.co.uk` is somebody's. */
const publicSecondLevel = new Set(
  'ac co com edu gob gouv gov go info ltd me mil ne net nhs nic nom or org plc police sch'.split(' '),
)

/** Hosts below which anybody gets a name of his own. */
const sharedHosts = new Set(
  `github.io gitlab.io pages.dev workers.dev vercel.app netlify.app herokuapp.com web.app firebaseapp.com appspot.com azurewebsites.net
  cloudfront.net amazonaws.com blogspot.com wordpress.com tumblr.com myshopify.com wixsite.com fly.dev onrender.com ngrok.io`.split(
    /\s+/,
  ),
)

/** What cannot be asked of a DNS, or must not: `in-addr.arpa`, `localhost`, and what RFC 2606 and 6761 keep. */
const special = /(^|\.)(arpa|localhost|local|internal|invalid|onion|example|test)$/

/** Lower case, ASCII (`xn--…` for others), at least two labels, 253 characters at most. */
export const domainPattern = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{2,59})$/

/** Whether a tenant may say that this is its own. */
export function isOwnable(domain: string): boolean {
  if (!domainPattern.test(domain) || special.test(domain)) return false
  const labels = domain.split('.')
  const [second = '', top = ''] = labels.slice(-2)
  if (labels.length === 2 && top.length === 2 && publicSecondLevel.has(second)) return false
  return !freeMail.has(domain) && !sharedHosts.has(domain)
}
